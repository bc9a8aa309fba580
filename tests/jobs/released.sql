BEGIN TRANSACTION;
CREATE TABLE api_tokens (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	UNIQUE (digest)
);
INSERT INTO "api_tokens" VALUES(1,1,'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','laptop','2026-01-02 03:04:05.000000');
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	hook_id INTEGER NOT NULL, 
	"key" VARCHAR(100) NOT NULL, 
	run_id INTEGER, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (hook_id, "key"), 
	FOREIGN KEY(hook_id) REFERENCES hooks (id) ON DELETE CASCADE, 
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL
);
INSERT INTO "deliveries" VALUES(1,1,'delivery-1',1,'2026-01-02 03:04:05.000000');
CREATE TABLE environments (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	release INTEGER, 
	policy VARCHAR(20) NOT NULL, 
	lease_token INTEGER NOT NULL, 
	lease_run INTEGER, 
	lease_until DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (project_id, name), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "environments" VALUES(1,1,'production',1,'destructive',0,NULL,NULL);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR(254) NOT NULL, 
	action VARCHAR(50) NOT NULL, 
	project VARCHAR(40), 
	detail JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,'2026-01-02 03:04:05.000000','alice@example.org','release.made','shop','{"number": 1}');
CREATE TABLE health (
	id INTEGER NOT NULL, 
	environment_id INTEGER NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	restarts INTEGER NOT NULL, 
	told INTEGER NOT NULL, 
	cause VARCHAR(400), 
	since DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (environment_id, service), 
	FOREIGN KEY(environment_id) REFERENCES environments (id) ON DELETE CASCADE
);
INSERT INTO "health" VALUES(1,1,'web',0,0,NULL,'2026-01-02 03:04:05.000000');
CREATE TABLE hooks (
	id INTEGER NOT NULL, 
	environment_id INTEGER NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(environment_id) REFERENCES environments (id) ON DELETE CASCADE, 
	UNIQUE (address)
);
INSERT INTO "hooks" VALUES(1,1,'hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh',X'7365616C6564','2026-01-02 03:04:05.000000');
CREATE TABLE members (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (project_id, user_id), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "members" VALUES(1,1,1,'owner');
CREATE TABLE projects (
	id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	repository TEXT NOT NULL, 
	branch VARCHAR(200) NOT NULL, 
	host_access BOOLEAN NOT NULL, 
	deleted_at DATETIME, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "projects" VALUES(1,'shop','https://example.com/shop.git','main',0,NULL,'2026-01-02 03:04:05.000000');
CREATE TABLE releases (
	id INTEGER NOT NULL, 
	environment_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	spec JSON NOT NULL, 
	"commit" VARCHAR(40) NOT NULL, 
	subject VARCHAR(200), 
	rollback_of INTEGER, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (environment_id, number), 
	FOREIGN KEY(environment_id) REFERENCES environments (id) ON DELETE CASCADE, 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "releases" VALUES(1,1,1,1,'{"services": {}}','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,NULL,'2026-01-02 03:04:05.000000');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	environment_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	ref VARCHAR(200), 
	"commit" VARCHAR(40), 
	subject VARCHAR(200), 
	target INTEGER, 
	expected_plan VARCHAR(64), 
	approved_by VARCHAR(254), 
	options JSON NOT NULL, 
	spec JSON, 
	"plan" JSON, 
	error JSON, 
	release INTEGER, 
	worker VARCHAR(150), 
	token INTEGER, 
	priority INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	cancelled_by VARCHAR(254), 
	requested_by VARCHAR(254) NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(environment_id) REFERENCES environments (id) ON DELETE CASCADE
);
INSERT INTO "runs" VALUES(1,1,'deploy','succeeded','main','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,NULL,NULL,NULL,'{"volumes": []}','{"services": {}}',NULL,NULL,1,NULL,NULL,1,0,NULL,'alice@example.org','2026-01-02 03:04:05.000000',NULL,'2026-01-02 03:04:05.000000');
CREATE TABLE schedules (
	name VARCHAR(40) NOT NULL, 
	last_at DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "schedules" VALUES('images','2026-01-02 03:04:05.000000');
CREATE TABLE secrets (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	environment VARCHAR(40), 
	version INTEGER NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (project_id, name, version), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "secrets" VALUES(1,1,'db_password',NULL,1,X'7365616C6564','2026-01-02 03:04:05.000000');
CREATE TABLE users (
	id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	password_hash TEXT NOT NULL, 
	host_owner BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (email)
);
INSERT INTO "users" VALUES(1,'alice@example.org','hash',1,'2026-01-02 03:04:05.000000');
CREATE INDEX events_by_action ON events (action, at);
CREATE INDEX ix_events_project ON events (project);
CREATE INDEX runs_by_environment ON runs (environment_id, state);
CREATE INDEX ix_runs_state ON runs (state);
COMMIT;

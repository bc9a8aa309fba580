"""Records at Cloudflare. Ours carry the comment `portwright:<instance>`."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.errors import PortwrightError
from zones.cloudflare.answers import EXISTS, GONE, Refused, identifier
from zones.cloudflare.api import Api
from zones.cloudflare.checking import checked
from zones.cloudflare.covering import covering
from zones.cloudflare.lookup import Lookup
from zones.cloudflare.wire import body, held
from zones.provider import Change, Checked, Provider
from zones.reconcile import Held, Step, in_the_way, removals, steps
from zones.records import SHORTEST_TTL, Record, host_name


class Cloudflare(Provider):
    """Records at Cloudflare, told as ours by their comment.

    instance: whose records are ours. domains: what check and listed look at; ensure and remove
    take any name whose zone the token sees. Make one for a piece of work, not for a process.
    """

    def __init__(self, api: Api, instance: str, domains: Sequence[str]) -> None:
        self.api = api
        self.comment = f"portwright:{instance}"
        self.probe = f"_portwright-{instance}"
        self.domains = [host_name(each, "domains") for each in domains]
        self.lookup = Lookup(api)

    def preview(self, records: Sequence[Record]) -> list[Change]:
        return [step.change for _, step in self.steps(records)]

    def ensure(self, records: Sequence[Record]) -> list[Change]:
        done = self.steps(records)
        for zone, step in done:
            self.take(zone, step)
        return [step.change for _, step in done]

    def remove(self, names: Sequence[str]) -> list[Change]:
        done = []
        for name in sorted({host_name(each, "names", star=True, hidden=True) for each in names}):
            zone = identifier(self.lookup.zone(name))
            for step in removals(self.held(zone, name)):
                self.take(zone, step)
                done.append(step.change)
        return done

    def listed(self) -> list[Record]:
        zones = {identifier(self.lookup.zone(domain)) for domain in self.domains}
        found = [
            held(each, self.comment)
            for zone in zones
            for each in self.api.all(records_path(zone), **{"comment.exact": self.comment})
        ]
        return sorted(each.record for each in found if each.ours and each.record)

    def covered(self, domain: str) -> str:
        return covering(self.lookup.zone(domain), domain, self.held)

    def check(self) -> Checked:
        try:
            return checked(self.api, self.lookup, self.domains, self.try_writing)
        except PortwrightError as error:
            return Checked(False, error.message, error.remedy)

    def try_writing(self, domain: str) -> None:
        text = Record(f"{self.probe}.{domain}", "TXT", "may be removed", SHORTEST_TTL)
        self.ensure([text])
        self.remove([text.name])

    def steps(self, records: Sequence[Record]) -> list[tuple[str, Step]]:
        """With each step its zone's id; everything is looked at before anything is done."""
        zones = {name: identifier(self.lookup.zone(name)) for name in {r.name for r in records}}
        there = [each for name, zone in zones.items() for each in self.held(zone, name)]
        return [(zones[step.change.record.name], step) for step in steps(records, there)]

    def held(self, zone: str, name: str) -> list[Held]:
        """Every record of this name. The filter is theirs, so the name is looked at again."""
        found = self.api.all(records_path(zone), **{"name.exact": name})
        return [each for each in (held(one, self.comment) for one in found) if each.name == name]

    def take(self, zone: str, step: Step) -> None:
        path, record = records_path(zone), step.change.record
        try:
            if step.change.action == "make":
                self.api.call("POST", path, body={**body(record, self.comment), "proxied": False})
            elif step.change.action == "change":
                self.api.call("PATCH", f"{path}/{step.id}", body=body(record, self.comment))
            else:
                self.api.call("DELETE", f"{path}/{step.id}")
        except Refused as error:
            if step.change.action == "remove" and (error.codes & GONE or error.status == 404):
                return
            if step.change.action == "make" and error.codes & EXISTS:
                self.made_meanwhile(zone, record, error)
                return
            raise

    def made_meanwhile(self, zone: str, record: Record, error: Refused) -> None:
        """Somebody made it since we looked: well where that was us (an answer that was lost, or
        another worker), and refused in words where it was not."""
        there = self.held(zone, record.name)
        if any(each.ours and each.record == record for each in there):
            return
        for each in there:
            if not each.ours:
                raise in_the_way(record, each)
        raise error


def records_path(zone: str) -> str:
    return f"/zones/{zone}/dns_records"

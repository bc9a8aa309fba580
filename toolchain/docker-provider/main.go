// Command docker-provider is the Pulumi resource plugin "docker", built from
// the bridge and the upstream provider. schema.json is made by ./gen first.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"portwright.dev/toolchain/docker-provider/mapping"
)

//go:embed schema.json
var schema []byte

func main() {
	tfbridge.Main("docker", mapping.Version, mapping.Provider(), schema)
}

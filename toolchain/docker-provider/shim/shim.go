// Package shim opens the upstream provider's internal constructor. Its module
// path lies under the upstream's, which is what Go's "internal" rule asks for.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// New returns the upstream Terraform provider.
func New(version string) *schema.Provider {
	return provider.New(version)()
}

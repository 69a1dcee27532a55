// Package catalog chooses the policies of a unicast layer by what somebody wrote: a kind, a name and
// parameters. Scenarios and the daemon both do so, and accept the same words.
package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ouroboros/core/policy"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/routing"
)

// Policy is what was written of one policy. Without a name it is the default of its kind.
type Policy struct {
	Name   string
	Params map[string]any // decoded by the table of its kind; nil for none
}

// Policies is what was written of the policies of a layer, by their kind. A kind that is not in it has its
// default.
type Policies map[string]Policy

// The kinds of policies.
const (
	Routing    = "routing"
	Forwarding = "forwarding"
	Congestion = "congestion"
	Directory  = "directory"
	Scheduler  = "scheduler"
	Addressing = "addressing"
	Cost       = "cost"
	Shaping    = "shaping"
	Admission  = "admission"
)

// kinds are all of them, in the order in which they are chosen and documented.
var kinds = [...]string{Routing, Forwarding, Congestion, Directory, Scheduler, Addressing, Cost, Shaping, Admission}

// Kinds returns all kinds, in the order in which they are documented.
func Kinds() []string { return slices.Clone(kinds[:]) }

// New returns the policies that the members of one layer know. names and offline are what they share under the
// directory and the routing policy static; nil for members that use neither.
func New(names *dir.Names, offline *routing.Map) unicast.Catalog {
	c := unicast.NewCatalog(names)
	c.Routing = routing.Policies(offline)
	return c
}

// Check reports what is wrong with the choice of one policy: an unknown kind, name or parameter, or a value out
// of range. An empty name is the default of its kind.
func Check(kind, name string, params map[string]any) error {
	_, err := Choose(New(nil, nil), Policies{kind: {name, params}}, 0)
	return err
}

// Choose looks the policies of a layer up. Addresses are as long as the header's field of addrSize bytes
// (0: the default) unless the policy says otherwise.
func Choose(t unicast.Catalog, p Policies, addrSize int) (out unicast.Choices, err error) {
	for _, kind := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(kinds[:], kind) {
			return out, fmt.Errorf("unknown kind of policy %q, accepted are %s", kind, strings.Join(kinds[:], ", "))
		}
	}
	addressing := p[Addressing]
	if _, set := addressing.Params["addr_size"]; !set && addrSize > 0 {
		params := maps.Clone(addressing.Params)
		if params == nil {
			params = map[string]any{}
		}
		params["addr_size"] = addrSize
		addressing.Params = params
	}
	pick(&err, &out.Routing, t.Routing, p[Routing], unicast.DefaultRouting)
	pick(&err, &out.Forwarding, t.Forwarding, p[Forwarding], unicast.DefaultForwarding)
	pick(&err, &out.Congestion, t.Congestion, p[Congestion], unicast.DefaultCongestion)
	pick(&err, &out.Directory, t.Directory, p[Directory], unicast.DefaultDirectory)
	pick(&err, &out.Scheduler, t.Scheduler, p[Scheduler], unicast.DefaultScheduler)
	pick(&err, &out.Addressing, t.Addressing, addressing, unicast.DefaultAddressing)
	pick(&err, &out.Cost, t.Cost, p[Cost], unicast.DefaultCost)
	pick(&err, &out.Shaping, t.Shaping, p[Shaping], unicast.DefaultShaping)
	pick(&err, &out.Admission, t.Admission, p[Admission], unicast.DefaultAdmission)
	return out, err
}

// pick looks one policy up, unless one before it was refused.
func pick[T any](err *error, c *policy.Choice[T], r *policy.Registry[T], p Policy, def string) {
	if *err != nil {
		return
	}
	name := p.Name
	if name == "" {
		name = def
	}
	*c, *err = r.Choose(name, p.Params)
}

// Docs documents all policies, kind by kind.
func Docs() []policy.Doc {
	t := New(nil, nil)
	d := t.Routing.Docs()
	d = append(d, t.Forwarding.Docs()...)
	d = append(d, t.Congestion.Docs()...)
	d = append(d, t.Directory.Docs()...)
	d = append(d, t.Scheduler.Docs()...)
	d = append(d, t.Addressing.Docs()...)
	d = append(d, t.Cost.Docs()...)
	d = append(d, t.Shaping.Docs()...)
	return append(d, t.Admission.Docs()...)
}

package operator

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/ipcp/unicast/catalog"
)

// prototypeWords are the names that the prototype has for policies, where they are not ours (spec 13 §13.4).
var prototypeWords = map[string]map[string]string{
	catalog.Routing:    {"link_state": "link-state"},
	catalog.Directory:  {"DHT": "dht"},
	catalog.Addressing: {"flat": "flat-random"},
}

// spreads are the routing policies of the prototype that are link-state with another forwarding policy here.
var spreads = []string{"lfa", "ecmp"}

// PolicyForm is the notation of a policy.
const PolicyForm = "NAME[,PARAM=VALUE...]"

// ParsePolicy reads a policy in the notation PolicyForm: "dctcp", "dctcp,gain=0.1,interval=20ms".
func ParsePolicy(text string) (control.Policy, error) {
	name, rest, more := strings.Cut(text, ",")
	p := control.Policy{Name: name}
	if name == "" {
		return p, fmt.Errorf("%q has no name, the form is %s", text, PolicyForm)
	}
	for more {
		var one string
		one, rest, more = strings.Cut(rest, ",")
		key, value, ok := strings.Cut(one, "=")
		if !ok || key == "" || value == "" {
			return p, fmt.Errorf("%q in %q is no parameter, the form is %s", one, text, PolicyForm)
		}
		if _, twice := p.Params[key]; twice {
			return p, fmt.Errorf("parameter %s stands twice in %q", key, text)
		}
		if p.Params == nil {
			p.Params = map[string]string{}
		}
		p.Params[key] = value
	}
	return p, nil
}

// Values gives the parameters of a policy their types, as the file of a scenario would: numbers and truth
// values are such, all else is text.
func Values(params map[string]string) map[string]any {
	if len(params) == 0 {
		return nil
	}
	out := make(map[string]any, len(params))
	for k, text := range params {
		out[k] = value(text)
	}
	return out
}

func value(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return f
	}
	switch text {
	case "true":
		return true
	case "false":
		return false
	}
	return text
}

// shared is the name of the policies of routing and directory whose members share a table in memory: they are for
// the simulator, and a daemon says so.
const shared = "static"

// policyNames returns the names of the policies of a kind that a daemon can run, those of the prototype first.
func policyNames(kind string) []string {
	var out []string
	switch kind {
	case catalog.Routing:
		out = append(out, "link_state", "lfa", "ecmp")
	case catalog.Directory:
		out = append(out, "DHT")
	case catalog.Addressing:
		out = append(out, "flat")
	}
	for _, d := range catalog.Docs() {
		if d.Kind == kind && d.Name != shared {
			out = append(out, d.Name)
		}
	}
	return out
}

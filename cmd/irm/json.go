package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// What --json prints. Fields are only ever added.
type (
	jsonIPCP struct {
		PID   int    `json:"pid"`
		Name  string `json:"name"`
		Type  string `json:"type"`
		State string `json:"state"`
		Layer string `json:"layer"` // "" while it is in none
		Hash  string `json:"hash"`
	}
	jsonName struct {
		Name      string            `json:"name"`
		Balance   string            `json:"load_balance"`
		Programs  []string          `json:"programs"`
		Processes []int             `json:"processes"`
		IPCPs     []string          `json:"ipcps"`
		Layers    []string          `json:"layers"`
		Active    int               `json:"active"`
		Security  map[string]string `json:"security"`
	}
	jsonEntry struct {
		Path    string `json:"path"`
		Content string `json:"content"`
	}
	jsonStatus struct {
		Version  string           `json:"version"`
		PID      int              `json:"pid"`
		Uptime   float64          `json:"uptime_s"`
		Counters map[string]int64 `json:"counters"`
	}
	jsonError struct {
		Error string `json:"error"`
		Code  int    `json:"code"`
	}
)

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func printJSONError(w io.Writer, err error) {
	_ = printJSON(w, jsonError{err.Error(), code(err)})
}

// hashWord is a digest algorithm as operators write it.
func hashWord(a core.HashAlgo) string {
	switch a {
	case core.SHA3_224:
		return "SHA3_224"
	case core.SHA3_256:
		return "SHA3_256"
	case core.SHA3_384:
		return "SHA3_384"
	case core.SHA3_512:
		return "SHA3_512"
	case core.MD5:
		return "MD5"
	}
	return fmt.Sprintf("algorithm %d", uint8(a))
}

func jsonIPCPs(list []control.IPCPInfo) []jsonIPCP {
	out := []jsonIPCP{}
	for _, i := range list {
		out = append(out, jsonIPCP{i.PID, i.Name, control.KindWord(i.Kind), i.State.String(), i.Layer, hashWord(i.Hash)})
	}
	return out
}

func jsonNames(list []control.NameInfo) []jsonName {
	out := []jsonName{}
	for _, n := range list {
		j := jsonName{
			Name: n.Name, Balance: n.Balance.String(), Active: n.Active, Security: map[string]string{},
			Programs: append([]string{}, n.Programs...), Processes: append([]int{}, n.Processes...),
			IPCPs: append([]string{}, n.IPCPs...), Layers: append([]string{}, n.Layers...),
		}
		for i, path := range []string{n.ServerEnc, n.ServerCrt, n.ServerKey, n.ClientEnc, n.ClientCrt, n.ClientKey} {
			if path != "" {
				j.Security[securityFiles[i].word] = path
			}
		}
		out = append(out, j)
	}
	return out
}

func jsonEntries(list []control.RIBEntry) []jsonEntry {
	out := []jsonEntry{}
	for _, e := range list {
		out = append(out, jsonEntry{e.Path, string(e.Content)})
	}
	return out
}

func jsonStatusOf(st control.Status) jsonStatus {
	j := jsonStatus{st.Version, st.PID, float64(st.Uptime) / float64(time.Second), map[string]int64{}}
	for _, c := range st.Counters {
		j.Counters[c.Name] = c.Value
	}
	return j
}

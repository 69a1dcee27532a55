package report

import (
	"encoding/json"
	"io"

	"ouroboros/scenarios/result"
)

// Schema is the version of [Document] and [Manifest]. It rises when a consumer has to change.
const Schema = 1

// Document is the JSON output: the runs with all that they hold, and what replications say together.
// Durations are integers of nanoseconds and every other value is in the unit that its name says.
type Document struct {
	Schema  int          `json:"schema"`
	Runs    []result.Run `json:"runs"`
	Summary []Estimate   `json:"summary"` // empty without replications
}

func writeJSON(w io.Writer, runs []result.Run) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	doc := Document{Schema: Schema, Runs: runs, Summary: Summarise(runs)}
	if doc.Summary == nil {
		doc.Summary = []Estimate{}
	}
	return e.Encode(doc)
}

package app

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/change"
)

// csvColumns are the columns of an exported audit log, in order.
func csvColumns() []string {
	return []string{
		"seq", "at", "kind", "request", "from", "to", "actor_id", "actor_name", "why", "rule",
		"policy_sha256", "channel", "model_id", "model", "detail",
	}
}

// csvRows writes the header, and returns what writes each event as one row. Lines
// end as RFC 4180 has them.
func csvRows(out io.Writer) (func(change.Event) error, error) {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	row := func(cells []string) error {
		if err := w.Write(cells); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	}
	write := func(e change.Event) error {
		return row([]string{
			strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(time.RFC3339Nano), string(e.Kind),
			string(e.Request), string(e.From), string(e.To), cell(e.Actor.ID), cell(e.Actor.Name),
			cell(e.Why), cell(e.Rule), e.Policy, cell(e.Channel), cell(e.ModelID), cell(e.ModelName), string(e.Detail),
		})
	}
	return write, row(csvColumns())
}

// cell keeps a spreadsheet from running what somebody typed: what it would take for
// a formula gets an apostrophe in front, as spreadsheets write plain text. The
// other format has everything as it is.
func cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

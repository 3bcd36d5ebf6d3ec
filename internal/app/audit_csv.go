package app

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// csvColumn is one column of an exported audit log.
type csvColumn struct {
	name string
	cell func(*auditRow) string
}

// auditRow is an event with its detail.
type auditRow struct {
	change.Event
	known change.EventDetail
}

// csvColumns are the columns in order. What an event does not know is empty. A
// setting has values only where the change asks for it: before, as it was in force
// (empty: not set), and after, as it was asked for.
func csvColumns() []csvColumn {
	columns := []csvColumn{
		{"seq", func(r *auditRow) string { return strconv.FormatInt(r.Seq, 10) }},
		{"at", func(r *auditRow) string { return r.At.UTC().Format(time.RFC3339Nano) }},
		{"kind", func(r *auditRow) string { return string(r.Kind) }},
		{"request", func(r *auditRow) string { return string(r.Request) }},
		{"from", func(r *auditRow) string { return string(r.From) }},
		{"to", func(r *auditRow) string { return string(r.To) }},
		{"actor_id", func(r *auditRow) string { return r.Actor.ID }},
		{"actor_name", func(r *auditRow) string { return r.Actor.Name }},
		{"verb", func(r *auditRow) string { return string(r.Verb) }},
		{"code", func(r *auditRow) string { return string(r.Reason.Code) }},
		{"cause", func(r *auditRow) string { return string(r.Reason.Cause.Code) }},
		{"text", func(r *auditRow) string { return r.Reason.Text }},
		{"rule", func(r *auditRow) string { return r.Rule }},
		{"policy_sha256", func(r *auditRow) string { return r.Policy }},
		{"channel_id", func(r *auditRow) string { return r.Channel }},
		{"channel_name", func(r *auditRow) string { return r.known.Channel }},
		{"requester_id", func(r *auditRow) string { return r.known.Requester.ID }},
		{"requester_name", func(r *auditRow) string { return r.known.Requester.Name }},
		{"model_id", func(r *auditRow) string { return r.ModelID }},
		{"model_name", func(r *auditRow) string { return r.Model }},
		{"team", func(r *auditRow) string { return r.known.Target.Team }},
		{"target_kind", func(r *auditRow) string { return targetKind(r.known.Target) }},
		{"target_name", func(r *auditRow) string { return r.known.Target.Name() }},
		{"deployment_id", func(r *auditRow) string { return r.known.Target.DeploymentID }},
		{"deployment_name", func(r *auditRow) string { return r.known.Target.Deployment }},
	}
	for _, s := range baseten.AllSettings {
		word := strings.ReplaceAll(s.Word, "-", "_")
		columns = append(columns,
			csvColumn{"before_" + word, func(r *auditRow) string { return before(r, s.Field) }},
			csvColumn{"after_" + word, func(r *auditRow) string { return setting(r.known.Settings, s.Field) }})
	}
	return append(columns,
		csvColumn{"command", func(r *auditRow) string { return r.known.Command }},
		csvColumn{"for_seconds", forSeconds},
		csvColumn{"until", func(r *auditRow) string { return timeCell(r.known.Until) }},
		csvColumn{"ends_at", func(r *auditRow) string { return timeCell(r.known.Term.EndsAt) }},
		csvColumn{"over_at", func(r *auditRow) string { return timeCell(r.known.Term.OverAt) }},
		csvColumn{"over_by", func(r *auditRow) string { return string(r.known.Term.By) }},
		csvColumn{"origin", func(r *auditRow) string { return string(r.known.Origin.ID) }},
		csvColumn{"origin_kind", func(r *auditRow) string { return string(r.known.Origin.Kind) }},
		csvColumn{"reason_given", func(r *auditRow) string { return r.known.Reason }},
		csvColumn{"break_glass", func(r *auditRow) string { return yes(r.known.BreakGlass) }},
		csvColumn{"sends", sends},
		csvColumn{"baseten_status", func(r *auditRow) string { return r.known.Answer.Status }},
		csvColumn{"baseten_message", func(r *auditRow) string { return r.known.Answer.Message }},
		csvColumn{"outcome", func(r *auditRow) string { return string(r.known.Outcome.Kind) }},
		csvColumn{"message_ts", func(r *auditRow) string { return r.known.Message.TS }},
	)
}

// csvRows writes the header, and returns what writes each event as one row. Lines
// end as RFC 4180 has them.
func csvRows(out io.Writer) (func(change.Event) error, error) {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	columns := csvColumns()
	cells := make([]string, len(columns))
	row := func(value func(csvColumn) string) error {
		for i, c := range columns {
			cells[i] = plainCell(value(c))
		}
		if err := w.Write(cells); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	}
	write := func(e change.Event) error {
		r := auditRow{Event: e}
		if len(e.Detail) > 0 {
			// One that cannot be read costs itself its cells, and the others nothing:
			// the other format has it as it is.
			_ = json.Unmarshal(e.Detail, &r.known)
		}
		return row(func(c csvColumn) string { return c.cell(&r) })
	}
	return write, row(func(c csvColumn) string { return c.name })
}

// plainCell keeps a spreadsheet from running what somebody typed: what it would take
// for a formula gets an apostrophe in front, as spreadsheets write plain text. The
// other format has everything as it is.
func plainCell(text string) string {
	if first, size := utf8.DecodeRuneInString(text); size > 0 && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}

func targetKind(t baseten.Target) string {
	if t.ModelID == "" { // not known yet
		return ""
	}
	return t.Kind()
}

func before(r *auditRow, f baseten.Field) string {
	if _, asked := r.known.Settings[f]; !asked {
		return ""
	}
	return setting(r.known.Before, f)
}

func setting(s baseten.Settings, f baseten.Field) string {
	v, ok := s[f]
	if !ok {
		return ""
	}
	return strconv.Itoa(v)
}

func forSeconds(r *auditRow) string {
	if r.known.ForSeconds == 0 {
		return ""
	}
	return strconv.FormatInt(r.known.ForSeconds, 10)
}

// timeCell is empty where there is no time.
func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func sends(r *auditRow) string {
	if r.Request == "" {
		return ""
	}
	return strconv.Itoa(r.known.Sends)
}

func yes(b bool) string {
	if !b {
		return ""
	}
	return "yes"
}

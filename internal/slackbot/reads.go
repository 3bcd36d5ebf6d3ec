package slackbot

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// listAtMost is how many models or requests one answer shows.
const listAtMost = 40

// read answers a command that changes nothing, to the person who typed it alone.
func (b *Bot) read(ctx context.Context, a asked, cmd commands.Command) {
	if cmd.Name == commands.NameHelp {
		b.reply(ctx, a, helpMessage(commands.Help(cmd.Topic)))
		return
	}
	if cmd.Name == commands.NameWhoami {
		b.reply(ctx, a, b.whoami(ctx, a))
		return
	}
	if why, ok := b.changes.MayRead(ctx, a.person.ID); !ok {
		b.outcome(string(cmd.Name), "refused")
		b.cfg.Log.Info("read refused", zap.String("user", a.person.ID), zap.String("command", string(cmd.Name)))
		b.reply(ctx, a, plainMessage(why))
		return
	}
	var m message
	var err error
	switch cmd.Name {
	case commands.NameStatus:
		m, err = b.status(ctx, cmd)
	case commands.NameList:
		m, err = b.list(ctx, cmd.Glob)
	case commands.NamePending:
		m, err = b.pending(ctx)
	case commands.NameHistory:
		m, err = b.history(ctx, cmd)
	case commands.NameCan, commands.NameChange:
		m = b.preview(ctx, a, cmd)
	default:
		m = plainMessage("I do not know that command. /autoscale help lists them.")
	}
	var no *change.Refused
	switch {
	case errors.As(err, &no):
		m = plainMessage(no.Text)
	case err != nil:
		b.cfg.Log.Error("answer a command", zap.String("command", string(cmd.Name)), zap.Error(err))
		m = plainMessage("failed: something went wrong here. Please try again; if it stays, tell whoever runs the bot.")
	}
	b.reply(ctx, a, m)
}

// preview tells what a change would do (dry-run), or what the policy would decide
// (can).
func (b *Bot) preview(ctx context.Context, a asked, cmd commands.Command) message {
	p := b.changes.Preview(ctx, change.Submission{Requester: a.person, Channel: a.channel, Thread: a.thread, Ask: askOf(cmd)})
	r := p.Request
	title := "Dry run, nothing was changed."
	if cmd.Name == commands.NameCan {
		title = "Nothing was changed."
	}
	if r.Target.ModelID == "" {
		return plainMessage(p.Why)
	}
	body := [][]slack.RichTextSectionElement{{bold(targetName(r.Target))}}
	for _, line := range diff(r) {
		body = append(body, []slack.RichTextSectionElement{literal(line.label + ": " + line.before + " → "), bold(line.after)})
	}
	if stays := r.Reading.Settings.Without(r.Ask.Settings); len(stays) > 0 {
		body = append(body, []slack.RichTextSectionElement{literal("Stays: " + settingsText(stays))})
	}
	verdict := verdictText(r, p)
	body = append(body, words(verdict))
	blocks := []slack.Block{lines(body...)}
	var facts []string
	if line := liveLine(r); line != "" {
		facts = append(facts, line)
	}
	if line := costLine(r.Reading.Cost); line != "" {
		facts = append(facts, line)
	}
	if len(facts) > 0 {
		blocks = append(blocks, small(escaped(strings.Join(facts, " · "))))
	}
	if len(r.Reading.Notes) > 0 {
		blocks = append(blocks, notesBlock(r.Reading.Notes))
	}
	if cmd.Name == commands.NameCan {
		if steps := stepsText(p.Explanation); steps != "" {
			blocks = append(blocks, preformatted(steps))
		}
	}
	blocks = append(blocks, small(title))
	return message{text: escaped(title+" "+targetName(r.Target)+": "+diffText(r)+". ") + fallback(verdict), blocks: blocks}
}

// verdictText is what the policy would decide, for the person.
func verdictText(r *change.Request, p change.Preview) string {
	if p.Why != "" {
		return p.Why
	}
	switch authz.Effect(r.Ruling.Effect) {
	case authz.Allow:
		return fmt.Sprintf("You may do this at once (rule %q).", r.Ruling.Rule)
	case authz.Confirm:
		return fmt.Sprintf("You would be asked to confirm it (rule %q).", r.Ruling.Rule)
	default:
		var who []string
		for i, id := range r.Ruling.Approvers {
			if i == 5 {
				who = append(who, fmt.Sprintf("%d more", len(r.Ruling.Approvers)-i))
				break
			}
			who = append(who, "<@"+id+">")
		}
		total := 0
		for _, n := range r.Ruling.Needed {
			total += n
		}
		return fmt.Sprintf("It would need %d approval(s) by %s (rule %q).", total, strings.Join(who, ", "), r.Ruling.Rule)
	}
}

func stepsText(e authz.Explanation) string {
	var b strings.Builder
	for _, s := range e.Steps {
		mark := "·"
		if s.Decided {
			mark = "→"
		}
		why := s.Why
		if s.Matched {
			why = "matches"
		}
		fmt.Fprintf(&b, "%s %-7s %s: %s\n", mark, s.Effect, s.Rule, why)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func settingsText(s baseten.Settings) string {
	var out []string
	for _, f := range s.Fields() {
		row, _ := baseten.Lookup(f)
		out = append(out, row.Label+" "+row.Format(s[f]))
	}
	return strings.Join(out, ", ")
}

// whoami tells a person what the bot knows of them. It answers everybody, since
// this is what somebody who is not allowed needs to ask for permission.
func (b *Bot) whoami(ctx context.Context, a asked) message {
	policy := b.policy()
	person, people, err := b.changes.Who(ctx, a.person.ID)
	rows := [][2]string{{"You", a.person.ID}, {"Channel", a.channel}}
	if err != nil {
		rows = append(rows, [2]string{"Standing", "Slack did not say"})
	} else {
		rows = append(rows, [2]string{"Standing", string(person.Standing)},
			[2]string{"Groups", orNone(policy.GroupsOf(person, people))},
			[2]string{"Rules", orNone(policy.Mentions(person, people))})
	}
	var out strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&out, "%-9s %s\n", row[0], row[1])
	}
	text := strings.TrimSuffix(out.String(), "\n")
	return message{text: escaped(text), blocks: []slack.Block{preformatted(text)}}
}

func orNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

// list shows models, by a glob in which * stands for any letters.
func (b *Bot) list(ctx context.Context, glob string) (message, error) {
	models, err := b.names.Models(ctx)
	if err != nil {
		return message{}, &change.Refused{Text: "failed: Baseten does not answer, so I cannot list the models. Please try again in a minute."}
	}
	models = slices.Clone(models)
	slices.SortFunc(models, func(x, y baseten.Model) int {
		return strings.Compare(x.Name+"\x00"+x.Team, y.Name+"\x00"+y.Team)
	})
	var rows [][]string
	total := 0
	for _, m := range models {
		if glob != "" && !matches(glob, m.Name) && !matches(glob, m.Team+"/"+m.Name) {
			continue
		}
		if total++; len(rows) < listAtMost {
			rows = append(rows, []string{m.Name, m.Team, m.ID, fmt.Sprintf("%d deployments", m.Deployments)})
		}
	}
	switch {
	case total == 0 && glob == "":
		return plainMessage("There are no models."), nil
	case total == 0:
		return plainMessage(fmt.Sprintf("%s not found: no model has such a name. * stands for any letters.", plainWords(glob))), nil
	}
	text := columns(rows)
	if total > len(rows) {
		text += fmt.Sprintf("\n… and %d more. Narrow it down: /autoscale list llama-*", total-len(rows))
	}
	if b.names.Stale() {
		text += fmt.Sprintf("\nBaseten does not answer; this is from %d min ago.", int(b.names.Age().Minutes()))
	}
	return message{text: escaped(text), blocks: []slack.Block{preformatted(text)}}, nil
}

func matches(glob, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(glob, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}

// status shows a model's environments and deployments, or one of them.
func (b *Bot) status(ctx context.Context, cmd commands.Command) (message, error) {
	st, err := b.changes.Status(ctx, cmd.Model.Word)
	if err != nil {
		return message{}, err
	}
	name := st.Model.Name
	if st.Model.Team != "" {
		name = st.Model.Team + "/" + name
	}
	var out []string
	var found *baseten.Resolved
	if !cmd.Target.IsZero() {
		r, err := st.Targets.Resolve(cmd.Target.Kind, cmd.Target.Word)
		if err != nil {
			return message{}, &change.Refused{Text: change.NameProblem(err)}
		}
		found = &r
	}
	for i := range st.Targets.Environments {
		env := &st.Targets.Environments[i]
		if found != nil && (found.Environment == nil || found.Environment.Name != env.Name) {
			continue
		}
		out = append(out, environmentStatus(env)...)
	}
	for i := range st.Targets.Deployments {
		d := &st.Targets.Deployments[i]
		if found == nil && (d.Environment != "" || len(out) > 30) {
			continue // shown with its environment
		}
		if found != nil && (found.Environment != nil || found.Deployment == nil || found.Deployment.ID != d.ID) {
			continue
		}
		out = append(out, deploymentStatus(d)...)
	}
	if len(out) == 0 {
		out = append(out, "no environments or deployments")
	}
	if st.Targets.Stale {
		out = append(out, "", "Baseten does not answer; this is from "+st.Targets.ReadAt.UTC().Format("15:04 UTC")+".")
	}
	blocks := []slack.Block{lines([]slack.RichTextSectionElement{bold(name)}), preformatted(strings.Join(out, "\n"))}
	var extra []string
	for _, r := range st.Pending {
		if found == nil || sameTarget(r, *found) {
			extra = append(extra, fmt.Sprintf("%s waits: <@%s> asks for %s", r.ID, r.Requester.ID, diffText(r)))
		}
	}
	for _, r := range st.Last {
		if r.State == change.Applied && (found == nil || sameTarget(r, *found)) {
			extra = append(extra, fmt.Sprintf("Last change: %s by <@%s> at %s: %s", r.ID, r.Requester.ID, until(r.AppliedAt), plainWords(diffText(r))))
			break
		}
	}
	for _, line := range extra {
		blocks = append(blocks, rich(words(line)...))
	}
	blocks = append(blocks, small("model "+escaped(st.Model.ID)))
	return message{text: escaped(name + "\n" + strings.Join(out, "\n")), blocks: blocks}, nil
}

func sameTarget(r *change.Request, f baseten.Resolved) bool {
	if f.Environment != nil {
		return r.Target.Environment == f.Environment.Name
	}
	return f.Deployment != nil && r.Target.DeploymentID == f.Deployment.ID
}

func environmentStatus(env *baseten.Environment) []string {
	out := []string{env.Name + ": " + shortSettings(env.Settings)}
	switch d := env.Current; {
	case d == nil:
		out = append(out, "  no deployment serves it")
	default:
		out = append(out, fmt.Sprintf("  served by %s (%s), %s, %d active", d.Name, d.ID, statusText(d.Status), d.ActiveReplicas))
		if d.Settings != nil && !d.Settings.Equal(env.Settings) {
			out = append(out, "  which runs with: "+shortSettings(d.Settings))
		}
	}
	if env.Promotion.Running() {
		out = append(out, "  promotion in progress: "+statusText(env.Promotion.Status))
	}
	if s, ok := env.Schedules.InForce(); ok {
		name := s.Name
		if name == "" {
			name = s.ID
		}
		out = append(out, "  schedule in force: "+name)
	}
	return out
}

func deploymentStatus(d *baseten.Deployment) []string {
	return []string{
		fmt.Sprintf("%s (%s): %s", d.Name, d.ID, shortSettings(d.Settings)),
		fmt.Sprintf("  %s, %d active", statusText(d.Status), d.ActiveReplicas),
	}
}

func statusText(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", " ")) }

// shortSettings writes settings in the words people type, with units.
func shortSettings(s baseten.Settings) string {
	if s == nil {
		return "no settings yet"
	}
	var out []string
	for _, f := range s.Fields() {
		row, _ := baseten.Lookup(f)
		unit := ""
		switch row.Unit {
		case baseten.Seconds:
			unit = "s"
		case baseten.Percent:
			unit = "%"
		}
		out = append(out, fmt.Sprintf("%s=%d%s", row.Word, s[f], unit))
	}
	return strings.Join(out, " ")
}

// pending lists what waits for people.
func (b *Bot) pending(ctx context.Context) (message, error) {
	waiting, err := b.changes.Waiting(ctx)
	if err != nil {
		return message{}, err
	}
	if len(waiting) == 0 {
		return plainMessage("Nothing waits for anybody."), nil
	}
	var body [][]slack.RichTextSectionElement
	for _, r := range waiting {
		text := fmt.Sprintf("%s: <@%s> asks to change %s: %s. %s", r.ID, r.Requester.ID, plainWords(targetName(r.Target)), diffText(r), waitingText(r))
		body = append(body, words(text))
	}
	return listMessage(body), nil
}

// history lists past requests.
func (b *Bot) history(ctx context.Context, cmd commands.Command) (message, error) {
	past, err := b.changes.Past(ctx, cmd.Model.Word, cmd.Target.Kind, cmd.Target.Word)
	if err != nil {
		return message{}, err
	}
	if len(past) == 0 {
		return plainMessage("No requests so far."), nil
	}
	var body [][]slack.RichTextSectionElement
	for _, r := range past {
		what := r.Ask.Text
		if r.Target.ModelID != "" {
			what = targetName(r.Target) + ": " + diffText(r)
		}
		text := fmt.Sprintf("%s %s: <@%s>, %s, %s", until(r.CreatedAt), r.ID, r.Requester.ID, plainWords(what), r.State)
		if r.State == change.Applied && r.Answer.Status != "" {
			text += " (" + plainWords(r.Answer.Status) + ")"
		}
		body = append(body, words(text))
	}
	return listMessage(body), nil
}

// listMessage shows many lines, within Slack's limit of one text.
func listMessage(body [][]slack.RichTextSectionElement) message {
	if len(body) > listAtMost {
		body = append(body[:listAtMost], []slack.RichTextSectionElement{literal("…")})
	}
	block := lines(body...)
	var text strings.Builder
	for _, section := range block.Elements {
		for _, e := range section.(*slack.RichTextSection).Elements {
			switch e := e.(type) {
			case *slack.RichTextSectionTextElement:
				text.WriteString(escaped(e.Text))
			case *slack.RichTextSectionUserElement:
				text.WriteString("<@" + e.UserID + ">")
			case *slack.RichTextSectionDateElement:
				text.WriteString(*e.Fallback)
			}
		}
	}
	return message{text: text.String(), blocks: []slack.Block{block}}
}

// helpMessage shows help in a fixed-width font, as it is written in columns.
func helpMessage(text string) message {
	return message{text: escaped(text), blocks: []slack.Block{preformatted(text)}}
}

// columns aligns rows.
func columns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		if i > 0 {
			b.WriteString("\n")
		}
		for j, cell := range row {
			if j == len(row)-1 {
				b.WriteString(cell)
				break
			}
			fmt.Fprintf(&b, "%-*s  ", widths[j], cell)
		}
	}
	return b.String()
}

package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/commands"
	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/slackbot/view"
)

// gatePolicy lists everybody in a user group, whatever they are to the workspace: a
// group must help nobody who is not a full member. Liz is a guest who is listed by
// her own ID.
const gatePolicy = `version: 1
groups:
  oncall: {usergroups: [S0GATE], users: [U0LIZ]}
  leads: {usergroups: [S0GATELEADS]}
freeze: {who: [leads]}
rules:
  - {name: delays, who: [oncall], settings: [delay], effect: allow}
  - {name: windows, who: [oncall], settings: [window], effect: confirm}
  - name: the rest
    who: [oncall, leads]
    effect: approve
    approvers: [leads]
    break_glass: {who: [oncall]}
`

// kinds are the columns of the table, by user ID. Ana makes the requests.
var kinds = []slacksim.User{
	{ID: "U0ANA", Name: "requester"},
	{ID: "U0BEN", Name: "colleague"},
	{ID: "U0NED", Name: "nobody"}, // a full member whom no rule names
	{ID: "U0LEA", Name: "approver"},
	{ID: "U0LIZ", Name: "listed", IsRestricted: true},
	{ID: "U0GIL", Name: "guest", IsRestricted: true},
	{ID: "U0FAY", Name: "foreign", TeamID: "T0PARTNER"},
	{ID: "U0SAM", Name: "stranger", IsStranger: true}, // a payload that names our team proves nothing
	{ID: "U0BOB", Name: "bot", IsBot: true},
	{ID: "U0DAN", Name: "deactivated", Deleted: true, Lingers: true},
	{ID: "U0UNA", Name: "unknown", Unlisted: true},
}

// gateTable says what comes of each entry point: for each kind of person, in each
// state of the request. Words stand in outcomes. The first row waits for an edit: later
// there are many, and Slack takes some fifty a minute.
//
//	waits     for an approval        previews  for the requester's Confirm
//	applied   by the policy alone    broken    applied by break-glass, unreviewed
//	holds     applied for a time     freezes   a freeze in force
const gateTable = `
entry                      state                          requester colleague nobody   approver listed   guest    foreign  stranger bot      deactivated unknown
form:explain               denied                         over      over      over     done     over     members  members  members  members  members  lookup
slash:change               -                              done      done      norule   asks     done     norule   never    foreign  bots     gone     unidentified
mention:change             -                              done      done      norule   asks     done     norule   foreign  foreign  bots     gone     unidentified
slash:names                -                              form      form      norule   form     form     norule   never    foreign  bots     gone     unidentified
shortcut:change_autoscaling,change_autoscaling_from_message - form  form      norule   form     form     norule   never    foreign  bots     gone     unidentified
form:change_autoscaling    -                              done      done      norule   asks     done     norule   never    foreign  bots     gone     unidentified
button:change_target       -                              form      form      norule   form     form     norule   foreign  foreign  bots     gone     unidentified
button:change              waits,previews,applied,broken,denied,canceled,stale form form norule form form norule  foreign  foreign  bots     gone     unidentified

slash:cancel               waits,previews                 done      notyours  notyours notyours notyours members  never    members  members  members  lookup
mention:cancel             waits,previews                 done      notyours  notyours notyours notyours members  members  members  members  members  lookup
slash:cancel               applied,broken,denied,canceled,stale over over     over     over     over     members  never    members  members  members  lookup
mention:cancel             applied,broken,denied,canceled,stale over over     over     over     over     members  members  members  members  members  lookup

slash:undo                 applied                        done      done      norule   asks     done     members  never    members  members  members  lookup
mention:undo               applied                        done      done      norule   asks     done     members  members  members  members  members  lookup
slash:undo                 broken                         asks      asks      norule   asks     asks     members  never    members  members  members  lookup
mention:undo               broken                         asks      asks      norule   asks     asks     members  members  members  members  members  lookup
slash:undo                 waits,previews,denied,canceled,stale noundo noundo noundo   noundo   noundo   members  never    members  members  members  lookup
mention:undo               waits,previews,denied,canceled,stale noundo noundo noundo   noundo   noundo   members  members  members  members  members  lookup

slash:status,list,can,pending,reviews,history   -         read      read      read     read     read     members  never    members  members  members  lookup
mention:status,list,can,pending,reviews,history -         read      read      read     read     read     members  members  members  members  members  lookup
slash:whoami,help          -                              read      read      read     read     read     read     never    read     read     read     read
mention:whoami,help        -                              read      read      read     read     read     read     read     read     read     read     read

button:approve             waits                          own       no        no       done     no       members  members  members  members  members  lookup
button:deny                waits                          done      no        no       done     no       members  members  members  members  members  lookup
button:confirm             waits                          lapse     notyours  notyours notyours notyours members  members  members  members  members  lookup
button:approve             previews                       no        no        no       no       no       members  members  members  members  members  lookup
button:deny                previews                       done      no        no       no       no       members  members  members  members  members  lookup
button:confirm             previews                       done      notyours  notyours notyours notyours members  members  members  members  members  lookup
button:cancel              waits,previews                 done      notyours  notyours notyours notyours members  members  members  members  members  lookup
form:break_glass           waits                          done      notyours  notyours notyours notyours members  members  members  members  members  lookup
form:break_glass           previews                       noglass   notyours  notyours notyours notyours members  members  members  members  members  lookup
form:explain               waits                          done      no        no       done     no       members  members  members  members  members  lookup
form:explain               previews                       done      no        no       no       no       members  members  members  members  members  lookup

button:approve,deny,confirm,cancel applied,broken,denied,canceled,stale over over over over     over     members  members  members  members  members  lookup
form:break_glass           applied,broken,denied,canceled,stale over over     over     over     over     members  members  members  members  members  lookup
form:explain               applied,broken,canceled,stale  over      over      over     over     over     members  members  members  members  members  lookup

button:ask_again           stale                          asks     asks     norule   asks     asks     members  members  members  members  members  lookup
button:ask_again           waits,previews,applied,broken,denied,canceled noagain  noagain  noagain  noagain  noagain  members  members  members  members  members  lookup
button:review              broken                         ownglass noreview noreview done     noreview members  members  members  members  members  lookup
button:review              waits,previews,applied,denied,canceled,stale unbroken unbroken unbroken unbroken unbroken members  members  members  members  members  lookup
button:break_glass         waits                          form     notyours notyours notyours notyours members  members  members  members  members  lookup
button:break_glass         previews                       noglass  notyours notyours notyours notyours members  members  members  members  members  lookup
button:break_glass         applied,broken,denied,canceled,stale over     over     over     over     over     members  members  members  members  members  lookup
button:undo                applied                        done     done     norule   asks     done     members  members  members  members  members  lookup
button:undo                broken                         asks     asks     norule   asks     asks     members  members  members  members  members  lookup
button:undo                waits,previews,denied,canceled,stale noundo   noundo   noundo   noundo   noundo   members  members  members  members  members  lookup
button:status              waits,previews,applied,broken,denied,canceled,stale read     read     read     read     read     members  members  members  members  members  lookup
button:do                  -                              done     done     norule   asks     done     norule   foreign  foreign  bots     gone     unidentified
button:explain             waits,previews,applied,broken,denied,canceled,stale form     form     form     form     form     form     form     form     form     form     form
event:home                 -                              read      read      read     read     read     members  never    members  members  members  lookup
`

// termTable is gateTable for what holds for a time, and for freezes.
const termTable = `
entry                      state                          requester colleague nobody   approver listed   guest    foreign  stranger bot      deactivated unknown
slash:extend,keep          holds                          done      done      norule   asks     done     members  never    members  members  members  lookup
mention:extend,keep        holds                          done      done      norule   asks     done     members  members  members  members  members  lookup
button:extend,keep         holds                          done      done      norule   asks     done     members  members  members  members  members  lookup
slash:undo                 holds                          done      done      norule   asks     done     members  never    members  members  members  lookup
mention:undo               holds                          done      done      norule   asks     done     members  members  members  members  members  lookup
button:undo,end            holds                          done      done      norule   asks     done     members  members  members  members  members  lookup
slash:extend,keep          waits,previews,applied,broken,denied,canceled,stale notheld notheld notheld notheld notheld members never members members members lookup
mention:extend,keep        waits,previews,applied,broken,denied,canceled,stale notheld notheld notheld notheld notheld members members members members members lookup
button:extend,keep,end     waits,previews,applied,broken,denied,canceled,stale notheld notheld notheld notheld notheld members members members members members lookup
slash:freeze               -                              nofreeze  nofreeze  nofreeze done     nofreeze nofreeze never    foreign  bots     gone     unidentified
mention:freeze             -                              nofreeze  nofreeze  nofreeze done     nofreeze nofreeze foreign  foreign  bots     gone     unidentified
slash:thaw                 freezes                        nothaw    nothaw    nothaw   done     nothaw   members  never    members  members  members  lookup
mention:thaw               freezes                        nothaw    nothaw    nothaw   done     nothaw   members  members  members  members  members  lookup
button:thaw                freezes                        nothaw    nothaw    nothaw   done     nothaw   members  members  members  members  members  lookup
slash:thaw                 waits,applied,holds            unfrozen  unfrozen  unfrozen unfrozen unfrozen members  never    members  members  members  lookup
mention:thaw               waits,applied,holds            unfrozen  unfrozen  unfrozen unfrozen unfrozen members  members  members  members  members  lookup
button:thaw                waits,applied,holds            unfrozen  unfrozen  unfrozen unfrozen unfrozen members  members  members  members  members  lookup
`

// listTable is of a bot whose policy is a list of all but one. A guest is on it by
// their own ID; what else is on it stays out.
const listTable = `
entry                       state requester colleague nobody    approver listed guest foreign stranger bot  deactivated unknown
slash:change                -     done      done      notlisted done     done   done  never   foreign  bots gone        unidentified
mention:change              -     done      done      notlisted done     done   done  foreign foreign  bots gone        unidentified
slash:status                -     read      read      read      read     read   read  never   members  members members  lookup
`

// outcomes are what a person is told, and nobody else; a bar stands for or. Beside
// them are done; asks, where the act becomes a request that waits for others; lapse,
// where it ends the request; read; form, which opens; and never, which Slack sees to:
// it shows a command to no other organisation.
var outcomes = map[string]string{
	"norule":       "not allowed: No rule of the policy lets you change anything",
	"notlisted":    "You are not on the bot's list",
	"foreign":      "People of another organisation cannot change anything here",
	"bots":         "Bots and workflows cannot change anything",
	"gone":         "is deactivated",
	"unidentified": "Slack did not say who you are",
	"lookup":       "I could not look you up in Slack",
	"members":      "not allowed: this is for members of this workspace",
	"own":          "not allowed: Nobody approves their own request",
	"no":           "not allowed: ",
	"notyours":     "not allowed: only @requester can",
	"noglass":      "not allowed: ",
	"over":         " already| is over: | is past that: ",
	"noundo":       "was not applied, so there is nothing to undo",
	"noagain":      "cannot be asked again",
	"ownglass":     "nobody reviews their own break-glass",
	"noreview":     "only somebody who could have approved",
	"unbroken":     "skipped no approval",
	"notheld":      "has not begun: it | never held: it | holds for good, so it has no end| is a freeze: ",
	"nofreeze":     "not allowed: Only leads may freeze and thaw",
	"nothaw":       " can thaw ",
	"unfrozen":     "is no freeze. ",
}

// gate is the running bot with what the cells of the table need.
type gate struct {
	*story
	models []string       // IDs of models that nothing was asked for yet
	used   int            // how many are
	want   map[string]int // PATCHes by model
	shared map[string]subject
	forms  map[string]slacksim.View // that opened once
}

// subject is a request in some state.
type subject struct {
	id, channel, card string
	model             int
}

func (g *gate) name(model int) string { return fmt.Sprintf("model-%04d", model+1) }

// room is a new channel that everybody is in, for each has its own pace.
func (g *gate) room() string {
	id := fmt.Sprintf("C0GATE%d", len(g.Slack.Snapshot().Channels))
	members := []string{"U0LEO", g.Slack.BotUserID()}
	for _, k := range kinds {
		members = append(members, k.ID)
	}
	g.Slack.AddChannel(slacksim.Channel{ID: id, Name: strings.ToLower(id), Members: members})
	return id
}

func (g *gate) fresh() int {
	g.used++
	return g.used - 1
}

// until waits until something can be seen.
func (g *gate) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	changed, cancel := g.Slack.Subscribe()
	defer cancel()
	for !ok() {
		select {
		case <-changed:
		case <-g.ctx.Done():
			t.Fatalf("waiting until %s", what)
		}
	}
}

// said waits until the bot has said something in a channel so many times.
func (g *gate) said(t *testing.T, channel, text string, times int) {
	t.Helper()
	g.until(t, fmt.Sprintf("%s says %q", channel, text), func() bool {
		n := 0
		for _, m := range g.Slack.Messages(channel) {
			if m.BotID != "" && strings.Contains(g.Slack.PlainText(m), text) {
				n++
			}
		}
		return n >= times
	})
}

func (g *gate) acked(t *testing.T, d *slacksim.Delivery) {
	t.Helper()
	if err := d.WaitAck(g.ctx); err != nil {
		t.Fatal(err)
	}
}

// request makes a request in a state.
func (g *gate) request(t *testing.T, state string) subject {
	t.Helper()
	r := subject{channel: g.room(), model: g.fresh()}
	who, line, settings, shows := "U0ANA", g.name(r.model)+" production ", "max=9", "Waits for"
	switch state {
	case "previews":
		settings, shows = "window=600", "Confirm Change"
	case "applied":
		settings, shows = "delay=600", "Baseten: ACCEPTED"
	case "broken":
		settings, shows = `max=9 break-glass reason="customers are waiting"`, "Baseten: ACCEPTED"
	case "holds":
		settings, shows = "delay=600 for=2h", "Baseten: ACCEPTED"
	case "freezes":
		who, line, settings, shows = "U0LEA", "freeze "+line, "for=2h reason=launch", "Reason: launch"
	}
	g.acked(t, g.Slack.Slash(who, r.channel, line+settings))
	g.said(t, r.channel, shows, 1)
	if shows == "Waits for" { // Ana alone is told that she may skip it
		g.until(t, "the offer of break-glass", func() bool { return len(g.Slack.Ephemerals("U0ANA", r.channel)) == 1 })
	}
	card := g.Slack.Messages(r.channel)[0]
	r.id, r.card = requestID(t, g.Slack.PlainText(card)), card.TS
	id := g.models[r.model]
	switch state {
	case "freezes":
		g.logged(t, r, `"to":"applied"`)
	case "applied", "broken", "holds":
		g.want[id]++
	case "denied":
		g.acked(t, g.press("U0LEA", r, "deny"))
		g.said(t, r.channel, "Denied by", 2) // the card and the reply
	case "canceled":
		g.acked(t, g.press("U0ANA", r, "cancel"))
		g.said(t, r.channel, "Canceled by", 2)
	case "stale":
		if err := g.Baseten.ChangeEnvironmentBehindTheBack(id, "production", basetensim.Changes{"max_replica": 5}); err != nil {
			t.Fatal(err)
		}
		g.acked(t, g.press("U0LEA", r, "approve"))
		g.said(t, r.channel, "not carried out", 1)
	}
	return r
}

// logged waits until the log says so of the request: its card does only when its turn to
// be edited comes, and in this crowd that takes a while.
func (g *gate) logged(t *testing.T, r subject, what string) {
	t.Helper()
	g.until(t, r.id+" logs "+what, func() bool {
		return slices.ContainsFunc(strings.Split(g.log.String(), "\n"), func(line string) bool {
			return strings.Contains(line, `"request":"`+strings.TrimPrefix(r.id, "#")+`"`) && strings.Contains(line, what)
		})
	})
}

// press presses a button on the card, whether it stands there or not: an old copy of
// a message may show any.
func (g *gate) press(user string, r subject, action string) *slacksim.Delivery {
	blocks, _ := json.Marshal([]any{map[string]any{"type": "actions", "block_id": "b", "elements": []any{map[string]any{
		"type": "button", "action_id": action, "value": r.id, "text": map[string]any{"type": "plain_text", "text": action},
	}}}})
	return g.Slack.ClickStale(user, slacksim.Message{Channel: r.channel, TS: r.card, User: g.Slack.BotUserID(), Text: "card", Blocks: blocks}, action)
}

// open is a form as it opened for Ana once, now about another request. Who may not get
// it now may still have it open.
func (g *gate) open(t *testing.T, r subject, action string) slacksim.View {
	t.Helper()
	v, ok := g.forms[action]
	if !ok {
		g.acked(t, g.press("U0ANA", g.sharedIn(t, "waits"), action))
		g.until(t, "a form opens", func() bool { return len(g.Slack.OpenViews("U0ANA")) == 1 })
		v = g.Slack.OpenViews("U0ANA")[0]
		g.Slack.CloseView("U0ANA", v.ID)
		g.forms[action] = v
	}
	v.PrivateMetadata = r.id
	return v
}

// cell is one field of the table.
type cell struct {
	way, what, state string
	user             slacksim.User
	want             string
}

func (c cell) String() string {
	return strings.Join([]string{c.way, c.what, c.state, c.user.Name}, " ")
}

// gateCells reads a table.
func gateCells(t *testing.T, table string) []cell {
	t.Helper()
	var cells []cell
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if got, want := len(strings.Fields(lines[0])), len(kinds)+2; got != want {
		t.Fatalf("the table has %d columns, want %d", got, want)
	}
	for i, k := range kinds {
		if head := strings.Fields(lines[0])[i+2]; head != k.Name {
			t.Fatalf("column %s is to be %s", head, k.Name)
		}
	}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != len(kinds)+2 {
			t.Fatalf("%d fields, want %d: %s", len(f), len(kinds)+2, line)
		}
		way, whats, _ := strings.Cut(f[0], ":")
		for what := range strings.SplitSeq(whats, ",") {
			for state := range strings.SplitSeq(f[1], ",") {
				for i, k := range kinds {
					cells = append(cells, cell{way, what, state, k, f[i+2]})
				}
			}
		}
	}
	return cells
}

// Who may do what, by every way in, whatever they are and whatever became of the
// request.
func TestEveryEntryPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole table takes a minute: run it without -short")
	}
	for part := range gateParts {
		t.Run(fmt.Sprintf("part %d", part+1), func(t *testing.T) {
			t.Parallel()
			openGate(t, nil).tryAll(t, partOf(part, append(gateCells(t, gateTable), gateCells(t, termTable)...)))
		})
	}
}

// gateParts is how many bots share the tables: each waits more than it works.
const gateParts = 4

// partOf is the cells of that part.
func partOf(part int, all []cell) []cell {
	var out []cell
	for i := part; i < len(all); i += gateParts {
		out = append(out, all[i])
	}
	return out
}

// The same where ALLOWED_USERS is the policy.
func TestEntryPointsOfAList(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, k := range kinds {
		if k.Name != "nobody" {
			ids = append(ids, k.ID)
		}
	}
	g := openGate(t, map[string]string{"POLICY_FILE": "", "ALLOWED_USERS": strings.Join(ids, ",")})
	g.tryAll(t, gateCells(t, listTable))
}

// openGate starts a bot in a workspace with people of all kinds.
func openGate(t *testing.T, env map[string]string) *gate {
	t.Helper()
	const models = 120
	s := stage(t, sandbox.WorldOptions{Policy: gatePolicy}, env)
	s.Slack.AddUser(slacksim.User{ID: "U0LEO", Name: "leo"})
	oncall, leads := []string{}, []string{"U0LEO"}
	for _, k := range kinds {
		s.Slack.AddUser(k)
		switch k.Name {
		case "requester", "colleague":
			oncall = append(oncall, k.ID)
		case "approver":
			leads = append(leads, k.ID)
		case "nobody", "listed":
		default:
			oncall, leads = append(oncall, k.ID), append(leads, k.ID)
		}
	}
	s.Slack.AddUsergroup("S0GATE", "gate", oncall...)
	s.Slack.AddUsergroup("S0GATELEADS", "gate-leads", leads...)
	g := &gate{story: s, models: s.Baseten.Fill(models, 1), want: map[string]int{}, shared: map[string]subject{}, forms: map[string]slacksim.View{}}
	s.start()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	s.ctx = ctx
	return g
}

// tryAll tries cells of a table. Baseten was asked for what was allowed, and for nothing
// else.
func (g *gate) tryAll(t *testing.T, cells []cell) {
	t.Helper()
	for _, c := range cells {
		t.Run(c.String(), func(t *testing.T) { g.try(t, c) })
	}
	g.end()
	got := map[string]int{}
	for _, p := range g.Baseten.Patches() {
		for _, id := range g.models {
			if strings.Contains(p.Path, "/"+id+"/") {
				got[id]++
			}
		}
	}
	if n := len(g.Baseten.Patches()); n == 0 {
		t.Error("nothing was changed at all")
	}
	for i, id := range g.models {
		if got[id] != g.want[id] {
			t.Errorf("%s was changed %d times, want %d", g.name(i), got[id], g.want[id])
		}
	}
}

// try does what a cell says, and looks at what comes of it.
func (g *gate) try(t *testing.T, c cell) {
	r := g.about(t, c)
	seen := len(g.Slack.Messages(r.channel))
	d, heard := g.act(t, c, r)
	if c.want == "never" {
		if d.Outcome() != slacksim.OutcomeRefused {
			t.Errorf("Slack sent it: %s", d.Outcome())
		}
		return
	}
	g.acked(t, d)
	switch c.want {
	case "form":
		g.until(t, "a form opens", func() bool { return len(g.Slack.OpenViews(c.user.ID)) == 1 })
		g.Slack.CloseView(c.user.ID, g.Slack.OpenViews(c.user.ID)[0].ID)
	case "done":
		g.done(t, c, r)
	case "asks":
		var card string
		g.until(t, "a new card is there", func() bool {
			for _, m := range g.Slack.Messages(r.channel)[seen:] {
				if text := g.Slack.PlainText(m); m.BotID != "" && strings.Contains(text, "Waits for") {
					card = text
					return true
				}
			}
			return false
		})
		if c.what == "undo" && c.state != "holds" { // taken back, so that the next can ask for it
			g.acked(t, g.Slack.Slash(c.user.ID, r.channel, "cancel "+requestID(t, card)))
			g.said(t, r.channel, "Canceled by", 1)
		}
	case "lapse":
		g.said(t, r.channel, "needs an approval now", 1)
	default:
		g.told(t, c, heard)
		for _, m := range g.Slack.Messages(r.channel)[seen:] {
			if m.BotID != "" {
				t.Errorf("all can see: %s", g.Slack.PlainText(m))
			}
		}
	}
}

// about is the request that a cell is about, or for a cell without one, where it is
// typed and the model that it is about.
func (g *gate) about(t *testing.T, c cell) subject {
	t.Helper()
	switch {
	case c.state == "-" && (c.what == "change" || c.what == "do" || c.what == "freeze" || c.what == "change_autoscaling" && c.way == "form"):
		return subject{channel: g.room(), model: g.fresh()}
	case c.want == "asks" && c.what == "undo" && c.state != "holds":
		r := g.sharedIn(t, c.state)
		r.channel = g.room()
		return r
	case c.want == "done" && c.what == "undo" && c.state != "holds":
		r := g.request(t, c.state)
		r.channel = g.room()
		return r
	case slices.Contains([]string{"done", "asks", "lapse"}, c.want):
		return g.request(t, c.state)
	}
	return g.sharedIn(t, c.state)
}

// sharedIn is the request in a state that all may try who do not move it.
func (g *gate) sharedIn(t *testing.T, state string) subject {
	t.Helper()
	r, ok := g.shared[state]
	switch {
	case ok:
	case state == "-":
		r = subject{channel: g.room()}
	default:
		r = g.request(t, state)
	}
	g.shared[state] = r
	return r
}

// act does it. heard is what the person alone was told since.
func (g *gate) act(t *testing.T, c cell, r subject) (d *slacksim.Delivery, heard func() string) {
	t.Helper()
	before := len(g.Slack.Ephemerals(c.user.ID, r.channel))
	heard = func() string {
		var b strings.Builder
		for _, m := range g.Slack.Ephemerals(c.user.ID, r.channel)[before:] {
			b.WriteString(g.Slack.PlainText(m))
		}
		return b.String()
	}
	line := map[string]string{
		"change": g.name(r.model) + " production delay=600", "do": g.name(r.model) + " production delay=600", "can": "can " + g.name(0) + " production max=9",
		"names": g.name(0) + " production", "status": "status " + g.name(0), "cancel": "cancel " + r.id, "undo": "undo " + r.id,
		"extend": "extend " + r.id + " 1h", "keep": "keep " + r.id, "thaw": "thaw " + r.id, "freeze": "freeze " + g.name(r.model) + " production for=2h reason=launch",
	}[c.what]
	if line == "" {
		line = c.what
	}
	switch c.way {
	case "slash":
		d = g.Slack.Slash(c.user.ID, r.channel, line)
	case "mention":
		d = g.Slack.Mention(c.user.ID, r.channel, "", line)
	case "button":
		switch c.what {
		case "change_target":
			r.id, r.card = g.models[0]+"/env:production", g.Slack.Say("U0ANA", r.channel, "", "a status")
		case "do": // its value is a command
			r.id, c.what = line, "do_1"
		}
		d = g.press(c.user.ID, r, c.what)
	case "event":
		d = g.Slack.OpenHome(c.user.ID)
		return d, func() string { return g.formText(c.user.ID) }
	case "shortcut":
		if c.what == "change_autoscaling" { // it has no channel to say anything in
			d = g.Slack.Shortcut(c.user.ID, c.what)
			return d, func() string { return g.formText(c.user.ID) }
		}
		d = g.Slack.MessageShortcut(c.user.ID, r.channel, g.Slack.Say("U0ANA", r.channel, "", "an alert"), c.what)
	case "form":
		if c.what == "change_autoscaling" {
			return g.fillForm(t, c, r), heard
		}
		d = g.Slack.SubmitStale(c.user.ID, g.open(t, r, c.what), map[string]map[string]string{"reason": {"text": "nobody else is awake"}})
		heard = func() string { return string(d.AckPayload()) }
	default:
		t.Fatalf("no way in is called %q", c.way)
	}
	return d, heard
}

// formText is what a person reads in the form that they have open.
func (g *gate) formText(user string) (text string) {
	for _, v := range g.Slack.OpenViews(user) {
		text += g.Slack.ViewText(v)
	}
	return text
}

// fillForm opens the form for a change and sends it, where it opens.
func (g *gate) fillForm(t *testing.T, c cell, r subject) *slacksim.Delivery {
	t.Helper()
	d := g.Slack.Slash(c.user.ID, r.channel, g.name(r.model)+" production")
	if c.want != "done" && c.want != "asks" {
		return d
	}
	p := g.As(c.user.ID)
	form, err := p.Form(g.ctx, "More Settings")
	if err == nil {
		_, err = form.Press("More Settings")
	}
	if err == nil {
		err = form.Sees(g.ctx, "Scale-down delay")
	}
	if err == nil {
		_, err = form.Type("delay", "10m")
	}
	if err == nil {
		d, err = form.Submit()
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// told waits for the words that the person alone reads.
func (g *gate) told(t *testing.T, c cell, heard func() string) {
	t.Helper()
	t.Cleanup(func() {
		for _, v := range g.Slack.OpenViews(c.user.ID) {
			g.Slack.CloseView(c.user.ID, v.ID)
		}
	})
	g.until(t, "the person is told", func() bool { return heard() != "" })
	text := heard()
	if c.want == "read" {
		if strings.Contains(text, "not allowed: this") || strings.Contains(text, "failed") {
			t.Errorf("not shown: %s", text)
		}
		return
	}
	words, ok := outcomes[c.want]
	if !ok {
		t.Fatalf("no outcome is called %q", c.want)
	}
	if !slices.ContainsFunc(strings.Split(words, "|"), func(w string) bool { return strings.Contains(text, w) }) {
		t.Errorf("told %q, want %q", text, words)
	}
}

// done waits for what shows that an act was carried out.
func (g *gate) done(t *testing.T, c cell, r subject) {
	t.Helper()
	id := g.models[r.model]
	switch {
	case c.state == "holds":
		g.want[id]++
		g.said(t, r.channel, map[string]string{"extend": "Extends " + r.id, "keep": "Keeps " + r.id, "undo": " ended " + r.id, "end": " ended " + r.id}[c.what], 1)
	case c.what == "freeze":
		g.said(t, r.channel, "Reason: launch", 1) // that it is in force is edited in, when its turn comes
	case c.what == "thaw":
		g.logged(t, r, `"msg":"request over"`)
	case c.what == "undo", strings.HasPrefix(c.what, "change"), c.what == "do", c.what == "approve", c.what == "confirm", c.what == "break_glass":
		g.want[id]++
		g.said(t, r.channel, "Baseten: ACCEPTED", 1)
	case c.what == "review": // a second time it is too late
		d := g.press(c.user.ID, r, c.what)
		g.acked(t, d)
		m, err := d.WaitResponse(g.ctx)
		if text := g.Slack.PlainText(m); err != nil || !strings.Contains(text, "has been reviewed by you") {
			t.Errorf("the second press says %q: %v", text, err)
		}
	case c.what == "explain" && c.user.ID != "U0ANA":
		g.said(t, r.channel, "nobody else is awake", 1)
	case c.what == "cancel", c.user.ID == "U0ANA": // to deny one's own is to take it back
		g.said(t, r.channel, "Canceled by", 1)
	default:
		g.said(t, r.channel, "Denied by", 1)
	}
}

// The table has a row for every way in that the source knows, and one outcome for
// each kind of person in each state. A new command, button, form or kind of delivery
// needs one.
func TestEntryPointsAreKnown(t *testing.T) {
	states := []string{"waits", "previews", "applied", "broken", "denied", "canceled", "stale"}
	got, want := map[string]int{}, map[string]int{}
	for _, c := range append(gateCells(t, gateTable), gateCells(t, termTable)...) {
		got[c.String()]++
	}
	row := func(entry string, states ...string) {
		for _, state := range states {
			for _, k := range kinds {
				want[strings.Join([]string{entry, state, k.Name}, " ")] = 1
			}
		}
	}
	about := func(id string) []string {
		switch id {
		case view.ActionDo, view.ActionChangeTarget, view.FormChange: // it is about no request
			return []string{"-"}
		case view.ActionUndo, view.ActionEnd, view.ActionExtend, view.ActionKeep:
			return append(slices.Clone(states), "holds")
		case view.ActionThaw: // what is no freeze is no freeze
			return []string{"waits", "applied", "holds", "freezes"}
		}
		return states
	}
	for _, spec := range commands.All() {
		of := []string{"-"}
		if spec.Changes && spec.Name != commands.NameChange && spec.Name != commands.NameFreeze { // it names a request
			of = about(string(spec.Name))
		}
		row("slash "+string(spec.Name), of...)
		row("mention "+string(spec.Name), of...)
	}
	src := parsed(t, "../slackbot/view")
	buttons, forms := constants(src, "Action"), constants(src, "Form")
	if len(buttons) == 0 || len(forms) == 0 {
		t.Fatal("the source has no buttons or no forms: look where they went")
	}
	for _, action := range buttons {
		row("button "+action, about(action)...)
	}
	for _, form := range forms {
		row("form "+form, about(form)...)
	}
	for _, shortcut := range constants(src, "Shortcut") {
		row("shortcut "+shortcut, "-")
	}
	row("slash names", "-") // a model, and no settings
	row("event home", "-")
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] == 0 {
			t.Errorf("the table lacks %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == 0 || got[name] != 1 {
			t.Errorf("the table has %s %d times, want %d", name, got[name], want[name])
		}
	}

	// What else Slack sends is served by one case each.
	var cases []string
	for _, f := range parsed(t, "../slackbot") {
		ast.Inspect(f, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CaseClause); ok {
				for _, e := range clause.List {
					if star, ok := e.(*ast.StarExpr); ok {
						e = star.X
					}
					if sel, ok := e.(*ast.SelectorExpr); ok && (strings.HasPrefix(sel.Sel.Name, "InteractionType") || strings.HasSuffix(sel.Sel.Name, "Event")) {
						cases = append(cases, sel.Sel.Name)
					}
				}
			}
			return true
		})
	}
	slices.Sort(cases)
	known := []string{
		"AppHomeOpenedEvent", "AppMentionEvent", "AppUninstalledEvent", "InteractionTypeBlockActions", "InteractionTypeBlockSuggestion",
		"InteractionTypeMessageAction", "InteractionTypeShortcut", "InteractionTypeViewSubmission",
		"SubteamMembersChangedEvent", "TokensRevokedEvent", "UserChangeEvent",
	}
	if !slices.Equal(cases, known) {
		t.Errorf("the bot serves %v, and the table knows %v", cases, known)
	}
}

// parsed is the source of a package, without its tests.
func parsed(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	entries, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range entries {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), dir+"/"+name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// constants are the values of the text constants whose names begin so.
func constants(files map[string]*ast.File, prefix string) (values []string) {
	for _, f := range files {
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, name := range v.Names {
					if !strings.HasPrefix(name.Name, prefix) || i >= len(v.Values) {
						continue
					}
					if lit, ok := v.Values[i].(*ast.BasicLit); ok {
						text, _ := strconv.Unquote(lit.Value)
						values = append(values, text)
					}
				}
			}
		}
	}
	return values
}

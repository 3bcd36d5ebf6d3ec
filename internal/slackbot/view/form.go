package view

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// The form for a change. It opens with what is known and fills while it is open, so each
// view is made from all that was chosen so far. Slack keeps what stands in a field of the
// same block_id: a field for a setting has one for each target and value shown.

// FormChange is the callback ID of the form; ShortcutGlobal and ShortcutMessage are those
// of the shortcuts that open it.
const (
	FormChange      = "change_autoscaling"
	ShortcutGlobal  = "change_autoscaling"
	ShortcutMessage = "change_autoscaling_from_message"
)

// Action IDs of what is chosen in the form; a setting's field has the setting's word. The
// first two are block IDs too.
const (
	PickChannel = "channel"
	PickModel   = "model"
	PickTarget  = "target"
	PressMore   = "more"
)

// formVersion is what this version writes into the form, see FormKept.
const formVersion = 2

// FormKept is what the form carries unseen, and brings back. It is no authority: what it
// names is judged as if it had been typed.
type FormKept struct {
	Version int `json:"v"`
	// Channel and Thread are where the request is made; "" where the form asks for the
	// channel.
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	// Replaces is the request in whose place this one is to stand, "" for none.
	Replaces change.ID `json:"replaces,omitempty"`
	// More tells that the other settings are shown too.
	More bool `json:"more,omitempty"`
	// Given is the model that was filled in while the form was open: its field is another
	// one than that in which nothing stood.
	Given string `json:"given,omitempty"`
	// NeedsReason tells that the policy wants a reason for what was chosen last.
	NeedsReason bool `json:"needs_reason,omitempty"`
	// NeedsEnd tells that it wants an end, MostFor how long it lets that hold at most, zero
	// for any time.
	NeedsEnd bool          `json:"needs_end,omitempty"`
	MostFor  time.Duration `json:"most_for,omitempty"`
}

// Form is what the form shows at one moment.
type Form struct {
	Kept FormKept
	// Model is the one chosen, nil for none; Unknown is a word that named none.
	Model   *baseten.Listed
	Unknown string
	// Targets is the model as it was read, nil where it was not yet; Target the one
	// chosen, nil for none.
	Targets *baseten.Targets
	Target  *baseten.Resolved
	// Typed are values that stand in fields in place of today's.
	Typed  map[baseten.Field]string
	End    FormEnd
	Reason string
	// Replaced is the request of Kept.Replaces.
	Replaced *change.Request
	// Seen is what would come of it, nil where nothing is asked for yet. Moved is what is
	// not as this form showed it before.
	Seen  *change.Preview
	Moved []change.Moved
	// Trouble is why there is nothing to choose.
	Trouble change.Reason
	Now     time.Time
}

const (
	mostTitle  = 24 // characters of a view's title and buttons
	mostOption = 75 // characters of an option's text, and of its value
	mostLabel  = 2000
)

// ChangeForm renders the form.
func ChangeForm(f Form) slack.ModalViewRequest {
	f.Kept.Version = formVersion
	if f.Seen != nil {
		d := f.Seen.Request.Decision
		f.Kept.NeedsReason, f.Kept.NeedsEnd, f.Kept.MostFor = d.RequireReason, d.RequireFor, d.MaxFor
	}
	var d draft
	d.replaced(f.Replaced)
	if f.Kept.Channel == "" {
		d.input(channelField())
	}
	d.input(modelField(f.Kept, f.Model))
	if f.Targets != nil && f.Trouble.Code == "" {
		d.input(targetField(*f.Targets, f.Target))
	}
	// The two that people change most come first, and what comes of them at once.
	fixed := f.Target != nil && f.Target.Development
	shown := f.Target != nil && f.Target.Settings() != nil
	if shown && !fixed {
		d.fields(f, baseten.AllSettings[:formFirst])
	}
	if shown {
		d.endFields(f)
	}
	d.lines(f.says()...)
	if shown && (f.Kept.More || fixed) {
		d.fields(f, baseten.AllSettings[formFirst:])
	}
	if shown {
		d.input(reasonField(f))
		if !f.Kept.More && !fixed {
			d.blocks = append(d.blocks, slack.NewActionBlock("", slack.NewButtonBlockElement(PressMore, PressMore, plainText("More Settings", mostOption))))
		}
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: FormChange, PrivateMetadata: f.Kept.String(),
		Title: plainText(formTitle, mostTitle), Submit: plainText("Request Change", mostTitle), Close: plainText("Cancel", mostTitle),
		Blocks: slack.Blocks{BlockSet: d.blocks},
	}
}

const formTitle = "Change Autoscaling"

// formFirst is how many settings stand in the form from the start: min and max.
const formFirst = 2

// String is what the form carries, as text.
func (k FormKept) String() string {
	text, err := json.Marshal(k)
	if err != nil { // nothing in it can fail to be written
		return ""
	}
	return string(text)
}

func (d *draft) input(b *slack.InputBlock) { d.blocks = append(d.blocks, b) }

// replaced says in whose place the request is to stand.
func (d *draft) replaced(old *change.Request) {
	if old != nil {
		d.lines(say("In place of ", old.ID.String()+" by ", user(old.Requester.ID), ": ", join(", ", wishes(old)...)), term(old))
	}
}

func channelField() *slack.InputBlock {
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, nil, PickChannel)
	pick.DefaultToCurrentConversation = true
	pick.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeExternalSharedChannels: true, ExcludeBotUsers: true}
	return asking(PickChannel, "Channel", pick)
}

// asking is a field that tells the bot at once what was chosen.
func asking(block, label string, el slack.BlockElement) *slack.InputBlock {
	b := slack.NewInputBlock(block, plainText(label, mostLabel), nil, el)
	b.DispatchAction = true
	return b
}

func modelField(k FormKept, chosen *baseten.Listed) *slack.InputBlock {
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plainText("Type a part of the name", mostOption), PickModel)
	least := 0
	pick.MinQueryLength = &least
	if chosen != nil && len(chosen.ID) <= mostOption {
		pick.InitialOption = modelOption(*chosen)
	}
	return asking(k.modelBlock(), "Model", pick)
}

func modelOption(m baseten.Listed) *slack.OptionBlockObject {
	text := modelName(m.Team, m.Name, m.SharedName)
	if m.Spelled == m.ID && m.SharedName {
		text += " · " + m.ID // another has the same team too
	}
	return slack.NewOptionBlockObject(m.ID, plainText(text, mostOption), nil)
}

// mostOptions is how many options Slack takes, and optionBytes how much of an
// acknowledgement they may fill.
const (
	mostOptions = 100
	optionBytes = 16 << 10
)

// ModelOptions are the models to choose from, in their order, as many as Slack takes.
func ModelOptions(models []baseten.Listed) []*slack.OptionBlockObject {
	options := make([]*slack.OptionBlockObject, 0, min(len(models), mostOptions))
	size := 0
	for _, m := range models {
		if m.Unreadable != "" || len(m.ID) > mostOption || len(options) == mostOptions {
			continue
		}
		o := modelOption(m)
		written, err := json.Marshal(o)
		if size += len(written) + 1; err != nil || size > optionBytes {
			break
		}
		options = append(options, o)
	}
	return options
}

// targetField offers the environments, and then the deployments that serve none. Its
// block belongs to the model.
func targetField(t baseten.Targets, chosen *baseten.Resolved) *slack.InputBlock {
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainText("Choose", mostOption), PickTarget)
	for _, r := range Offered(t) {
		pick.Options = append(pick.Options, targetOption(r))
	}
	if chosen != nil {
		pick.InitialOption = targetOption(*chosen)
		if !hasOption(pick.Options, pick.InitialOption.Value) {
			pick.Options = append([]*slack.OptionBlockObject{pick.InitialOption}, pick.Options...)
		}
	}
	var hint *slack.TextBlockObject
	if more := len(pick.Options) - mostOptions; more > 0 {
		pick.Options = pick.Options[:mostOptions]
		hint = plainText("The first "+number(mostOptions)+" are listed. Type the command for another one.", mostLabel)
	}
	if len(pick.Options) == 0 {
		pick.Options = []*slack.OptionBlockObject{slack.NewOptionBlockObject(noTarget, plainText("There is none yet", mostOption), nil)}
	}
	b := asking(targetBlock(t.ModelID), "Target", pick)
	b.Hint = hint
	return b
}

// noTarget is the option of a model that has no target.
const noTarget = "none"

func hasOption(options []*slack.OptionBlockObject, value string) bool {
	for _, o := range options {
		if o.Value == value {
			return true
		}
	}
	return false
}

// Offered are the targets of a model that the form offers: the environments, and the
// deployments that serve none. One that cannot be read, or whose name does not fit in an
// option, is left out.
func Offered(t baseten.Targets) []baseten.Resolved {
	var out []baseten.Resolved
	add := func(environment, deployment string) {
		if r, ok := t.Exactly(environment, deployment); ok && len(TargetValue(r)) <= mostOption {
			out = append(out, r)
		}
	}
	for _, env := range t.Environments {
		if !env.Broken {
			add(env.Name, "")
		}
	}
	for _, dep := range t.Deployments {
		if dep.Environment == "" && !dep.Broken {
			add("", dep.ID)
		}
	}
	return out
}

func targetOption(r baseten.Resolved) *slack.OptionBlockObject {
	var text string
	if r.Environment != nil {
		text = name(r.Environment.Name)
	} else {
		text = "deployment " + name(r.Deployment.Name)
	}
	about := "no deployment serves it"
	if d := r.Deployment; d != nil {
		about = howItRuns(d, r.Settings()).plain()
	}
	return slack.NewOptionBlockObject(TargetValue(r), plainText(text, mostOption), plainText(about, mostOption))
}

// fields shows settings, each with today's value or what was typed in its place.
func (d *draft) fields(f Form, settings []baseten.Setting) {
	current, key := f.Target.Settings(), formKey(f.Target.ModelID, TargetValue(*f.Target))
	for _, s := range settings {
		now := pick(current, s.Field)
		text, typed := f.Typed[s.Field]
		if !typed && now != nil {
			text = strconv.Itoa(*now)
		}
		b := asking(fieldBlock(s.Field, key, now), s.Label, fieldElement(s, text))
		b.Optional = now == nil
		switch s.Unit {
		case baseten.Replicas:
		case baseten.Seconds:
			b.Hint = plainText("Seconds, or 10m: "+s.Help, mostLabel)
		case baseten.Percent:
			b.Hint = plainText("Percent: "+s.Help, mostLabel)
		default:
			b.Hint = plainText(s.Help, mostLabel)
		}
		d.input(b)
	}
}

// fieldElement is a number, or a text where the value may have a unit. Ranges are said by
// the bot, in the words of the command.
func fieldElement(s baseten.Setting, text string) slack.BlockElement {
	each := &slack.DispatchActionConfig{TriggerActionsOn: []string{"on_character_entered"}}
	switch s.Unit {
	case baseten.Seconds, baseten.Percent:
		el := slack.NewPlainTextInputBlockElement(nil, s.Word)
		el.InitialValue, el.MaxLength, el.DispatchActionConfig = text, 20, each
		return el
	default:
		el := slack.NewNumberInputBlockElement(nil, s.Word, false)
		el.InitialValue, el.DispatchActionConfig = text, each
		if _, err := strconv.Atoi(text); err != nil {
			el.InitialValue = ""
		}
		return el
	}
}

func reasonField(f Form) *slack.InputBlock {
	el := slack.NewPlainTextInputBlockElement(nil, InputReason)
	el.MaxLength, el.InitialValue = mostReason, f.Reason
	b := slack.NewInputBlock(BlockReason, plainText("Reason", mostLabel), nil, el)
	b.Optional = !f.Kept.NeedsReason
	return b
}

// says is what follows from what was chosen, in the words of a preview.
func (f Form) says() []prose {
	switch {
	case f.Trouble.Code != "":
		return []prose{say("⚠️ ", about(nil, f.Trouble, "").tell(inAnswer))}
	case f.Model == nil && f.Unknown != "":
		return []prose{say(bold(oneLine(f.Unknown)), " not found. Choose a model.")}
	case f.Model == nil:
		return nil
	case f.Targets == nil:
		return []prose{say("⏳ Reading " + modelName(f.Model.Team, f.Model.Name, f.Model.SharedName) + " …")}
	case f.Target == nil:
		return f.stale(nil)
	case f.Target.Settings() == nil:
		return []prose{say("⚠️ ", about(&change.Request{Target: f.Target.Target()}, unshown(*f.Target), "").tell(inAnswer))}
	case f.endWrong() != "":
		return f.stale([]prose{f.today(), say("⏱️ " + f.endWrong())})
	case f.Seen == nil:
		return f.stale([]prose{f.today(), say("Change a value to see what it costs and who has to agree.")})
	}
	r, no := f.Seen.Request, f.Seen.Refused
	lines := []prose{join(", ", wishes(r)...)}
	switch {
	case no.Code == change.PolicyDenied && no.Cause.Code == authz.CauseReasonMissing:
		lines = append(lines, say("It needs a reason: please give one below."))
	case no.Code == change.PolicyDenied && no.Cause.Code == authz.CauseForMissing:
		lines = append(lines, say("It needs an end: choose for how long."))
	case no.Code == change.PolicyDenied && no.Cause.Code == authz.CauseTooLong:
		lines = append(lines, say("It may hold for "+length(no.Cause.Max)+" at most: choose a shorter time."))
	case no.Code != "":
		lines = append(lines, say("⛔ ", about(r, no, r.Requester.ID).tell(inAnswer)))
	default:
		lines = append(lines, formVerdict(r.Decision))
	}
	lines = append(lines, term(r))
	if len(f.Moved) > 0 {
		lines = append(lines, say("⚠️ ", bold(moved(f.Moved)), "."))
	}
	return f.stale(append(append(lines, cardFacts(r)), notes(r)...))
}

// endWrong is what is wrong with the end that was typed.
func (f Form) endWrong() string {
	_, _, why := f.End.Read()
	return why
}

// formVerdict is who has to agree, in a few words.
func formVerdict(d authz.Decision) prose {
	total := 0
	for _, n := range d.Needed {
		total += n
	}
	who := people(d.Approvers, 0)
	switch {
	case d.Effect == authz.Allow:
		return say("You may do this at once.")
	case d.Effect == authz.Confirm:
		return say("You confirm it on the card.")
	case total == 1 && len(d.Approvers) == 1:
		return say("Needs ", who, ".")
	case total == 1:
		return say("Needs one of ", who, ".")
	default:
		return say("Needs "+approvals(d.Needed)+" of ", who, ".")
	}
}

// unshown is why there are no settings to change.
func unshown(r baseten.Resolved) change.Reason {
	if r.Unreadable() != "" {
		return change.Reason{Code: change.SettingsUnclear}
	}
	return change.Reason{Code: change.SettingsHidden}
}

// today is how the target runs.
func (f Form) today() prose {
	d := f.Target.Deployment
	switch {
	case d == nil:
		return say("No deployment serves it yet.")
	case f.Target.Development:
		return say("Baseten fixes min 0 and max 1 of the development deployment. Now ", howItRuns(d, f.Target.Settings()), ".")
	default:
		return say("Now ", howItRuns(d, f.Target.Settings()), ".")
	}
}

// stale adds to lines that they may be old.
func (f Form) stale(lines []prose) []prose {
	if f.Targets != nil && f.Targets.Stale {
		lines = append(lines, say("⚠️ Baseten does not answer. This was read "+length(f.Now.Sub(f.Targets.ReadAt))+" ago."))
	}
	return lines
}

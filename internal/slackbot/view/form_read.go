package view

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/commands"
)

// FormEntry is what stands in the form, as Slack sends it back.
type FormEntry struct {
	Kept FormKept
	// Channel is the one chosen, where the form asks for it.
	Channel string
	// ModelID and Target are "" where none is chosen: for Target, none of that model.
	ModelID, Target string
	// Fields are in the order of the table of settings.
	Fields []FormField
	End    FormEnd
	Reason string

	targetBlock, endBlock string
}

// FormField is the field of one setting.
type FormField struct {
	Setting baseten.Setting
	// Block is where a mistake in it is shown.
	Block string
	// Shown is the value that was shown, nil where the setting was not set.
	Shown *int
	Text  string
	// Other tells that it belongs to another target than the one chosen.
	Other bool
}

// ReadForm reads the form. It returns false for one of another version of the bot, and
// for what is no form.
func ReadForm(v slack.View) (FormEntry, bool) {
	var e FormEntry
	if v.CallbackID != FormChange || v.State == nil || json.Unmarshal([]byte(v.PrivateMetadata), &e.Kept) != nil || e.Kept.Version != formVersion {
		return e, false
	}
	values := v.State.Values
	e.Channel = values[PickChannel][PickChannel].SelectedConversation
	e.ModelID = values[e.Kept.modelBlock()][PickModel].SelectedOption.Value
	e.Reason = oneLine(values[BlockReason][InputReason].Value)
	e.End = FormEnd{values[PickEnd][PickEnd].SelectedOption.Value, oneLine(values[InputEnd][InputEnd].Value)}
	e.endBlock = PickEnd
	if _, shown := values[InputEnd]; shown {
		e.endBlock = InputEnd
	}
	e.targetBlock = e.Kept.modelBlock()
	for block := range values {
		if strings.HasPrefix(block, targetPrefix) {
			e.targetBlock = block
		}
	}
	if block := targetBlock(e.ModelID); e.targetBlock == block {
		if e.Target = values[block][PickTarget].SelectedOption.Value; e.Target == noTarget {
			e.Target = ""
		}
	}
	key := formKey(e.ModelID, e.Target)
	for block, actions := range values {
		for word, action := range actions {
			if f, of, ok := readBlock(block, word); ok {
				f.Text, f.Other = strings.TrimSpace(action.Value), of != key || e.Target == ""
				e.Fields = append(e.Fields, f)
			}
		}
	}
	slices.SortFunc(e.Fields, func(a, b FormField) int { return order(a) - order(b) })
	return e, true
}

func order(f FormField) int {
	return slices.IndexFunc(baseten.AllSettings, func(s baseten.Setting) bool { return s.Field == f.Setting.Field })
}

// Block IDs. That of a target belongs to a model; that of a field holds setting, target
// and the value shown, so that what is typed for one is never taken for another's.

const targetPrefix = "target:"

func (k FormKept) modelBlock() string {
	if k.Given == "" {
		return PickModel
	}
	return shorten(PickModel+":"+k.Given, 255)
}

func targetBlock(modelID string) string { return shorten(targetPrefix+modelID, 255) }

func fieldBlock(f baseten.Field, key string, shown *int) string {
	value := "-"
	if shown != nil {
		value = strconv.Itoa(*shown)
	}
	return "set:" + word(f) + ":" + key + ":" + value
}

func readBlock(block, action string) (f FormField, key string, ok bool) {
	parts := strings.Split(block, ":")
	if len(parts) != 4 || parts[0] != "set" || parts[1] != action {
		return f, "", false
	}
	if f.Setting, ok = baseten.SettingNamed(action); !ok {
		return f, "", false
	}
	f.Block = block
	if parts[3] != "-" {
		shown, err := strconv.Atoi(parts[3])
		if err != nil {
			return f, "", false
		}
		f.Shown = &shown
	}
	return f, parts[2], true
}

// formKey is the same for one target of one model.
func formKey(modelID, target string) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s/%s", modelID, target)
	return strconv.FormatUint(h.Sum64(), 36)
}

// TargetValue names a target within its model, in the words of the command.
func TargetValue(r baseten.Resolved) string {
	if r.Environment != nil {
		return "env:" + r.Environment.Name
	}
	return "deployment:" + r.Deployment.ID
}

// ReadTarget is kind and name of what TargetValue wrote, or of a word without a kind.
func ReadTarget(value string) (kind, word string) {
	if rest, ok := strings.CutPrefix(value, "env:"); ok {
		return baseten.TargetEnvironment, rest
	}
	if rest, ok := strings.CutPrefix(value, "deployment:"); ok {
		return baseten.TargetDeployment, rest
	}
	return "", value
}

// Settings are the values that differ from those shown, and with them the values shown.
// wrong says under which field something cannot be read, or is another target's.
func (e FormEntry) Settings() (touched, shown baseten.Settings, wrong map[string]string) {
	touched, shown, wrong = baseten.Settings{}, baseten.Settings{}, map[string]string{}
	for _, f := range e.Fields {
		switch {
		case f.Other:
			wrong[f.Block] = "This value is of another target. Choose the target again."
			continue
		case f.Text == "":
			continue
		}
		n, why := commands.ReadValue(f.Setting, f.Text)
		switch {
		case f.Shown != nil && f.Text == strconv.Itoa(*f.Shown): // also one that we would not take
		case why != "":
			wrong[f.Block] = why
		case f.Shown == nil:
			touched[f.Setting.Field] = n
		case n != *f.Shown:
			touched[f.Setting.Field], shown[f.Setting.Field] = n, *f.Shown
		}
	}
	return touched, shown, wrong
}

// Typed are the texts that are not what was shown, by setting.
func (e FormEntry) Typed() map[baseten.Field]string {
	typed := make(map[baseten.Field]string)
	for _, f := range e.Fields {
		if !f.Other && (f.Shown == nil && f.Text != "" || f.Shown != nil && f.Text != strconv.Itoa(*f.Shown)) {
			typed[f.Setting.Field] = f.Text
		}
	}
	return typed
}

// Under is the block under which a mistake in a setting is shown: its field, or where
// that is not there another one.
func (e FormEntry) Under(f baseten.Field) string {
	for _, field := range e.Fields {
		if field.Setting.Field == f {
			return field.Block
		}
	}
	if len(e.Fields) > 0 {
		return e.Fields[min(len(e.Fields), formFirst)-1].Block
	}
	return e.targetBlock
}

// UnderModel is the block of the model.
func (e FormEntry) UnderModel() string { return e.Kept.modelBlock() }

// UnderEnd is the block of what was typed for how long, or of the choice where the form does
// not show that yet.
func (e FormEntry) UnderEnd() string { return e.endBlock }

// UnderTarget is the block of the target, or of the model where there is none.
func (e FormEntry) UnderTarget() string { return e.targetBlock }

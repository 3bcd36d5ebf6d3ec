package slacksim

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Entered is what a view holds, by block_id and action_id: the text typed, the value
// of the option chosen, the ID of the user, channel or conversation, the date or time.
// Where several can be chosen, each stands on its own line. "" is an emptied field.
type Entered map[string]map[string]string

// field is one element of a view that holds a value.
type field struct {
	blockID, actionID string
	el                map[string]any
	input             bool // stands in an input block
	optional          bool
	dispatches        bool // tells the app at once, without a submit
}

func (f field) kind() string { return str(f.el["type"]) }

// optionKey finds an option that the app has offered for a field.
type optionKey struct{ blockID, actionID, value string }

// fieldsOf lists the elements of a view that hold a value, in order.
func fieldsOf(blocks json.RawMessage) []field {
	var list []map[string]any
	if json.Unmarshal(blocks, &list) != nil {
		return nil
	}
	blockOf := map[string]map[string]any{}
	for _, b := range list {
		blockOf[str(b["block_id"])] = b
	}
	var fields []field
	walkBlocks(list, func(blockID string, el map[string]any) {
		if _, holds := holdings[str(el["type"])]; !holds {
			return
		}
		b := blockOf[blockID]
		input := b["type"] == "input"
		fields = append(fields, field{
			blockID: blockID, actionID: str(el["action_id"]), el: el, input: input,
			optional: b["optional"] == true, dispatches: !input || b["dispatch_action"] == true,
		})
	})
	return fields
}

func fieldOf(blocks json.RawMessage, blockID, actionID string) (field, bool) {
	for _, f := range fieldsOf(blocks) {
		if f.blockID == blockID && f.actionID == actionID {
			return f, true
		}
	}
	return field{}, false
}

// holding is how an element holds its value: under which name in view.state, from
// which property at first, and of what kind.
type holding struct {
	name, initial string
	options       bool // option objects, not text
	several       bool
}

var holdings = map[string]holding{
	"plain_text_input":           {name: "value", initial: "initial_value"},
	"number_input":               {name: "value", initial: "initial_value"},
	"email_text_input":           {name: "value", initial: "initial_value"},
	"url_text_input":             {name: "value", initial: "initial_value"},
	"users_select":               {name: "selected_user", initial: "initial_user"},
	"channels_select":            {name: "selected_channel", initial: "initial_channel"},
	"conversations_select":       {name: "selected_conversation", initial: "initial_conversation"},
	"multi_users_select":         {name: "selected_users", initial: "initial_users", several: true},
	"multi_channels_select":      {name: "selected_channels", initial: "initial_channels", several: true},
	"multi_conversations_select": {name: "selected_conversations", initial: "initial_conversations", several: true},
	"datepicker":                 {name: "selected_date", initial: "initial_date"},
	"timepicker":                 {name: "selected_time", initial: "initial_time"},
	"datetimepicker":             {name: "selected_date_time", initial: "initial_date_time"},
	"static_select":              {name: "selected_option", initial: "initial_option", options: true},
	"external_select":            {name: "selected_option", initial: "initial_option", options: true},
	"radio_buttons":              {name: "selected_option", initial: "initial_option", options: true},
	"multi_static_select":        {name: "selected_options", initial: "initial_options", options: true, several: true},
	"multi_external_select":      {name: "selected_options", initial: "initial_options", options: true, several: true},
	"checkboxes":                 {name: "selected_options", initial: "initial_options", options: true, several: true},
}

// initially is what a field holds before anybody touches it.
func (f field) initially() string {
	how := holdings[f.kind()]
	values := []any{f.el[how.initial]}
	if how.several {
		values, _ = f.el[how.initial].([]any)
	}
	var lines []string
	for _, v := range values {
		switch v := v.(type) {
		case string:
			lines = append(lines, v)
		case float64: // initial_date_time
			lines = append(lines, strconv.FormatFloat(v, 'f', 0, 64))
		case map[string]any:
			lines = append(lines, str(v["value"]))
		}
	}
	return strings.Join(lines, "\n")
}

// holds is what a field holds now.
func (v *View) holds(f field) string {
	if value, touched := v.Entered[f.blockID][f.actionID]; touched {
		return value
	}
	return f.initially()
}

// Holds is what a field of the view holds now, as Entered has it.
func (v *View) Holds(blockID, actionID string) string {
	f, ok := fieldOf(v.Blocks, blockID, actionID)
	if !ok {
		return ""
	}
	return v.holds(f)
}

// option finds an option of a field by its value: one that stands in the view, or one
// that the app has offered for what was typed.
func (v *View) option(f field, value string) map[string]any {
	if option := optionOf(f.el, value); option != nil {
		return option
	}
	return v.offered[optionKey{f.blockID, f.actionID, value}]
}

// enter puts values into the view, as a person does. Nothing is put in where one of
// them does not fit.
func (v *View) enter(values Entered) error {
	next := Entered{}
	for blockID, actions := range v.Entered {
		next[blockID] = maps.Clone(actions)
	}
	for blockID, actions := range values {
		for actionID, value := range actions {
			f, ok := fieldOf(v.Blocks, blockID, actionID)
			if !ok {
				return refusedf("view %s has no field %s in block %s", v.ID, actionID, blockID)
			}
			if err := v.fits(f, value); err != nil {
				return err
			}
			if next[blockID] == nil {
				next[blockID] = map[string]string{}
			}
			next[blockID][actionID] = value
		}
	}
	v.Entered = next // Replaced, never written to: snapshots hold it.
	return nil
}

// fits refuses what Slack's client does not let a person enter.
func (v *View) fits(f field, value string) error {
	how := holdings[f.kind()]
	switch {
	case value == "":
		return nil
	case how.options:
		lines := strings.Split(value, "\n")
		if !how.several && len(lines) > 1 {
			return refusedf("%s takes one option, not %d", f.actionID, len(lines))
		}
		for _, line := range lines {
			if v.option(f, line) == nil {
				return refusedf("%s has no option %q", f.actionID, line)
			}
		}
	case f.kind() == "plain_text_input":
		if most, ok := number(f.el["max_length"]); ok && float64(utf8.RuneCountInString(value)) > most {
			return refusedf("%s takes at most %.0f characters", f.actionID, most)
		}
	}
	return nil
}

// ready refuses what Slack's client does not let a person submit.
func (v *View) ready() error {
	for _, f := range fieldsOf(v.Blocks) {
		value := v.holds(f)
		switch {
		case value == "" && f.input && !f.optional:
			return refusedf("input %s of the modal is required", f.blockID)
		case value == "":
		case f.kind() == "plain_text_input":
			if least, ok := number(f.el["min_length"]); ok && float64(utf8.RuneCountInString(value)) < least {
				return refusedf("%s takes at least %.0f characters", f.actionID, least)
			}
		case f.kind() == "number_input":
			if err := f.number(value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f field) number(text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || (f.el["is_decimal_allowed"] != true && n != math.Trunc(n)) {
		return refusedf("%s takes a number, not %q", f.actionID, text)
	}
	least, errLeast := strconv.ParseFloat(str(f.el["min_value"]), 64)
	most, errMost := strconv.ParseFloat(str(f.el["max_value"]), 64)
	if (errLeast == nil && n < least) || (errMost == nil && n > most) {
		return refusedf("%s takes a number from %s to %s, not %s", f.actionID, str(f.el["min_value"]), str(f.el["max_value"]), text)
	}
	return nil
}

// state is state.values as payloads carry it.
func (v *View) state() map[string]map[string]any {
	state := map[string]map[string]any{}
	for _, f := range fieldsOf(v.Blocks) {
		if state[f.blockID] == nil {
			state[f.blockID] = map[string]any{}
		}
		state[f.blockID][f.actionID] = v.fieldState(f)
	}
	return state
}

func (v *View) fieldState(f field) map[string]any {
	how := holdings[f.kind()]
	held := v.holds(f)
	out := map[string]any{"type": f.kind(), how.name: nil}
	var parts []any
	for _, line := range strings.Split(held, "\n") {
		switch {
		case held == "":
		case how.options:
			parts = append(parts, v.option(f, line))
		case how.several:
			parts = append(parts, line)
		}
	}
	switch {
	case how.several && parts == nil:
		out[how.name] = []any{}
	case how.several:
		out[how.name] = parts
	case held == "":
	case how.options:
		out[how.name] = parts[0]
	case f.kind() == "datetimepicker":
		seconds, _ := strconv.ParseInt(held, 10, 64)
		out[how.name] = seconds
	default:
		out[how.name] = held
	}
	return out
}

// inherit keeps what the view before held. Slack's client keeps a field whose block_id,
// action_id and type are the same, as it was: also one that nobody has touched, so that
// a new initial value is not shown. A field of another block_id starts anew.
func (v *View) inherit(before *View) {
	v.offered = maps.Clone(before.offered)
	v.Suggestions = slices.Clone(before.Suggestions)
	kept := Entered{}
	for _, f := range fieldsOf(v.Blocks) {
		old, ok := fieldOf(before.Blocks, f.blockID, f.actionID)
		if !ok || old.kind() != f.kind() {
			continue
		}
		held := before.holds(old)
		for _, line := range strings.Split(held, "\n") {
			v.remember(f.blockID, f.actionID, before.option(old, line))
		}
		if v.fits(f, held) != nil {
			continue
		}
		if kept[f.blockID] == nil {
			kept[f.blockID] = map[string]string{}
		}
		kept[f.blockID][f.actionID] = held
	}
	v.Entered = kept
}

// remember keeps an option that a person can choose or has chosen. Only an
// external_select has options that do not stand in the view.
func (v *View) remember(blockID, actionID string, option map[string]any) {
	f, ok := fieldOf(v.Blocks, blockID, actionID)
	if option == nil || !ok || !strings.HasSuffix(f.kind(), "external_select") {
		return
	}
	if v.offered == nil {
		v.offered = map[optionKey]map[string]any{}
	}
	v.offered[optionKey{blockID, actionID, str(option["value"])}] = option
}

// optionOf finds an option that stands in the element itself.
func optionOf(el map[string]any, value string) map[string]any {
	options, _ := el["options"].([]any)
	groups, _ := el["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		options = append(slices.Clone(options), more...)
	}
	initial, _ := el["initial_options"].([]any)
	options = append(slices.Clone(options), el["initial_option"])
	for _, o := range append(options, initial...) {
		if option, _ := o.(map[string]any); option != nil && option["value"] == value {
			return option
		}
	}
	return nil
}

package slacksim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// elements checks the list of interactive elements under key.
func (k *checker) elements(b map[string]any, at, key string, least, most int) {
	list, ok := b[key].([]any)
	if !ok {
		k.fail(at, "missing required field: "+key)
		return
	}
	k.count(len(list), at+"/"+key, least, most)
	for i, item := range list {
		k.element(item, fmt.Sprintf("%s/%s/%d", at, key, i), inActions)
	}
}

// place is where in a block an element stands.
type place int

const (
	inActions place = iota
	inSection
	inInput
)

// elementRule is what Slack takes in one kind of element.
type elementRule struct {
	places     []place
	properties []string // beside type, action_id, confirm, focus_on_load
}

// elementRules are the elements that the simulation knows, as
// https://docs.slack.dev/reference/block-kit/block-elements/ has them.
var elementRules = func() map[string]elementRule {
	all, noActions, input := []place{inActions, inSection, inInput}, []place{inSection, inInput}, []place{inInput}
	rules := map[string]elementRule{
		"static_select":         {all, []string{"placeholder", "options", "option_groups", "initial_option"}},
		"external_select":       {all, []string{"placeholder", "initial_option", "min_query_length"}},
		"users_select":          {all, []string{"placeholder", "initial_user"}},
		"channels_select":       {all, []string{"placeholder", "initial_channel", "response_url_enabled"}},
		"conversations_select":  {all, []string{"placeholder", "initial_conversation", "default_to_current_conversation", "response_url_enabled", "filter"}},
		"multi_static_select":   {noActions, []string{"placeholder", "options", "option_groups", "initial_options", "max_selected_items"}},
		"multi_external_select": {noActions, []string{"placeholder", "initial_options", "min_query_length", "max_selected_items"}},
		"multi_users_select":    {noActions, []string{"placeholder", "initial_users", "max_selected_items"}},
		"multi_channels_select": {noActions, []string{"placeholder", "initial_channels", "max_selected_items"}},
		"multi_conversations_select": {noActions, []string{"placeholder", "initial_conversations", "default_to_current_conversation",
			"max_selected_items", "filter"}},
		"overflow":         {[]place{inActions, inSection}, []string{"options"}},
		"checkboxes":       {all, []string{"options", "initial_options"}},
		"radio_buttons":    {all, []string{"options", "initial_option"}},
		"datepicker":       {all, []string{"placeholder", "initial_date"}},
		"timepicker":       {all, []string{"placeholder", "initial_time", "timezone"}},
		"datetimepicker":   {[]place{inActions, inInput}, []string{"initial_date_time"}},
		"plain_text_input": {input, []string{"placeholder", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config"}},
		"number_input":     {input, []string{"placeholder", "initial_value", "is_decimal_allowed", "min_value", "max_value", "dispatch_action_config"}},
		"email_text_input": {input, []string{"placeholder", "initial_value", "dispatch_action_config"}},
		"url_text_input":   {input, []string{"placeholder", "initial_value", "dispatch_action_config"}},
	}
	return rules
}()

// element checks one block element.
func (k *checker) element(v any, at string, where place) {
	el, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be an object")
		return
	}
	kind := str(el["type"])
	rule, known := elementRules[kind]
	switch {
	case kind == "image" && where != inInput:
		k.known(el, at, "type", "image_url", "slack_file", "alt_text")
		k.image(el, at)
		return
	case kind == "button" && where != inInput:
		k.button(el, at)
	case !known || !slices.Contains(rule.places, where):
		k.fail(at, "unsupported type: "+kind)
		return
	case k.surface == onMessage && where == inInput && kind != "plain_text_input" && strings.HasSuffix(kind, "_input"):
		k.fail(at, "unsupported type: "+kind)
		return
	default:
		k.known(el, at, append([]string{"type", "action_id", "confirm", "focus_on_load"}, rule.properties...)...)
		k.text(el["placeholder"], at+"/placeholder", textRule{plain: true, max: 150})
		k.value(el, at, kind)
	}
	k.confirm(el["confirm"], at+"/confirm")
	k.actionID(el, at)
}

// value checks what an element can hold, and what it holds at first.
func (k *checker) value(el map[string]any, at, kind string) {
	switch kind {
	case "static_select", "multi_static_select":
		k.selectOptions(el, at)
	case "overflow":
		k.options(el, at, optionRule{least: 2, most: 5, plain: true})
	case "checkboxes", "radio_buttons":
		k.options(el, at, optionRule{least: 1, most: 10})
	case "external_select", "multi_external_select":
		k.optionList(initialOptions(el), at+"/initial_option", optionRule{most: 100, plain: true})
	case "plain_text_input":
		k.length(str(el["initial_value"]), at+"/initial_value", 3000)
		k.between(el, at, "min_length", 0, 3000)
		k.between(el, at, "max_length", 1, 3000)
	case "number_input":
		if _, ok := el["is_decimal_allowed"].(bool); !ok {
			k.fail(at, "missing required field: is_decimal_allowed")
		}
		for _, name := range []string{"initial_value", "min_value", "max_value"} {
			if given, ok := el[name]; ok {
				if _, err := strconv.ParseFloat(str(given), 64); err != nil {
					k.fail(at+"/"+name, "must be a number, as a string")
				}
			}
		}
	}
	k.oneOfOptions(el, at, kind)
}

// oneOfOptions: what is chosen at first must be among what can be chosen, word for word.
func (k *checker) oneOfOptions(el map[string]any, at, kind string) {
	if strings.HasSuffix(kind, "external_select") {
		return
	}
	bare := maps.Clone(el)
	delete(bare, "initial_option")
	delete(bare, "initial_options")
	for _, o := range initialOptions(el) {
		chosen, _ := o.(map[string]any)
		if option := optionOf(bare, str(chosen["value"])); !reflect.DeepEqual(option, chosen) {
			k.fail(at, "initial_option is not one of the options")
		}
	}
}

func initialOptions(el map[string]any) []any {
	list, _ := el["initial_options"].([]any)
	if one := el["initial_option"]; one != nil {
		list = append(slices.Clone(list), one)
	}
	return list
}

func (k *checker) between(el map[string]any, at, name string, least, most float64) {
	given, ok := el[name]
	if !ok {
		return
	}
	if n, isNumber := number(given); !isNumber || n < least || n > most {
		k.fail(at+"/"+name, fmt.Sprintf("must be a number from %.0f to %.0f", least, most))
	}
}

// actionID checks the action_id and fills it in. It must be unique in its block, and in
// a message in the whole of it: Slack does not ask for that, but then a click cannot be
// told apart by its action_id.
func (k *checker) actionID(el map[string]any, at string) {
	id, given := el["action_id"]
	if !given || id == "" {
		el["action_id"] = k.newID("a")
		return
	}
	text, ok := id.(string)
	switch {
	case !ok:
		k.fail(at+"/action_id", "must be a string")
	case utf8.RuneCountInString(text) > 255:
		k.tooLong(at+"/action_id", 255)
	case k.actionIDs[text]:
		k.fail(at+"/action_id", "`action_id` already exists: "+text)
	}
	k.actionIDs[text] = true
}

func (k *checker) button(el map[string]any, at string) {
	k.known(el, at, "type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label",
		"visible_to_user_ids", "agent_prompt", "agent_prompt_display")
	k.text(el["text"], at+"/text", textRule{plain: true, max: 75, required: true})
	k.length(str(el["url"]), at+"/url", 3000)
	k.length(str(el["accessibility_label"]), at+"/accessibility_label", 75)
	k.oneOf(el, at, "style", "primary", "danger")
	value, given := el["value"]
	if _, ok := value.(string); given && !ok {
		k.fail(at+"/value", "must be a string")
	}
	k.length(str(value), at+"/value", 2000)
}

func (k *checker) confirm(v any, at string) {
	if v == nil {
		return
	}
	c, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be an object")
		return
	}
	k.known(c, at, "type", "title", "text", "confirm", "deny", "style")
	k.text(c["title"], at+"/title", textRule{plain: true, max: 100, required: true})
	k.text(c["text"], at+"/text", textRule{max: 300, required: true})
	k.text(c["confirm"], at+"/confirm", textRule{plain: true, max: 30, required: true})
	k.text(c["deny"], at+"/deny", textRule{plain: true, max: 30, required: true})
	k.oneOf(c, at, "style", "primary", "danger")
}

// optionRule is what is asked of a list of options.
type optionRule struct {
	least, most int
	plain       bool // plain_text only
}

func (k *checker) selectOptions(el map[string]any, at string) {
	rule := optionRule{least: 1, most: 100, plain: true}
	groups, grouped := el["option_groups"].([]any)
	if !grouped {
		k.options(el, at, rule)
		return
	}
	if el["options"] != nil {
		k.fail(at, "must define either `options` or `option_groups`")
	}
	k.groups(groups, at)
}

func (k *checker) groups(groups []any, at string) {
	k.count(len(groups), at+"/option_groups", 1, 100)
	for i, g := range groups {
		here := fmt.Sprintf("%s/option_groups/%d", at, i)
		group, _ := g.(map[string]any)
		k.text(group["label"], here+"/label", textRule{plain: true, max: 75, required: true})
		k.options(group, here, optionRule{least: 1, most: 100, plain: true})
	}
}

func (k *checker) options(el map[string]any, at string, rule optionRule) {
	list, ok := el["options"].([]any)
	if !ok {
		k.fail(at, "missing required field: options")
		return
	}
	k.optionList(list, at+"/options", rule)
}

func (k *checker) optionList(list []any, at string, rule optionRule) {
	k.count(len(list), at, rule.least, rule.most)
	seen := map[string]bool{}
	for i, item := range list {
		here := fmt.Sprintf("%s/%d", at, i)
		option, _ := item.(map[string]any)
		k.known(option, here, "text", "value", "description", "url")
		k.text(option["text"], here+"/text", textRule{plain: rule.plain, max: 75, required: true})
		k.text(option["description"], here+"/description", textRule{plain: rule.plain, max: 75})
		value := str(option["value"])
		switch {
		case value == "":
			k.fail(here, "missing required field: value")
		case seen[value]:
			k.fail(here, "duplicate value: "+value) // Slack takes it, and then nobody knows which was chosen.
		}
		seen[value] = true
		// 75 is the documented limit; some SDKs say 150.
		k.length(value, here+"/value", 75)
	}
}

package slacksim

import (
	"fmt"
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
		k.element(item, fmt.Sprintf("%s/%s/%d", at, key, i))
	}
}

// element checks one block element.
func (k *checker) element(v any, at string) {
	el, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be an object")
		return
	}
	kind := str(el["type"])
	switch kind {
	case "image":
		k.known(el, at, "type", "image_url", "slack_file", "alt_text")
		k.image(el, at)
		return
	case "button":
		k.button(el, at)
	case "static_select", "multi_static_select", "external_select", "multi_external_select", "users_select", "multi_users_select",
		"conversations_select", "multi_conversations_select", "channels_select", "multi_channels_select":
		k.text(el["placeholder"], at+"/placeholder", textRule{plain: true, max: 150})
		if kind == "static_select" || kind == "multi_static_select" {
			k.selectOptions(el, at)
		}
	case "overflow":
		k.options(el, at, 2, 5)
	case "checkboxes", "radio_buttons":
		k.options(el, at, 1, 10)
	case "plain_text_input", "number_input", "email_text_input", "url_text_input":
		if k.surface == onMessage && kind != "plain_text_input" {
			k.fail(at, "unsupported type: "+kind)
		}
		k.text(el["placeholder"], at+"/placeholder", textRule{plain: true, max: 150})
		k.length(str(el["initial_value"]), at+"/initial_value", 3000)
	case "datepicker", "timepicker", "datetimepicker":
		k.text(el["placeholder"], at+"/placeholder", textRule{plain: true, max: 150})
	default:
		k.fail(at, "unsupported type: "+kind)
		return
	}
	k.confirm(el["confirm"], at+"/confirm")
	k.actionID(el, at)
}

// actionID checks the action_id and fills it in. It must be unique in the whole
// message: Slack asks for it per block only, but then a click cannot be told apart
// by its action_id.
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

func (k *checker) selectOptions(el map[string]any, at string) {
	groups, grouped := el["option_groups"].([]any)
	if !grouped {
		k.options(el, at, 1, 100)
		return
	}
	k.count(len(groups), at+"/option_groups", 1, 100)
	for i, g := range groups {
		here := fmt.Sprintf("%s/option_groups/%d", at, i)
		group, _ := g.(map[string]any)
		k.text(group["label"], here+"/label", textRule{plain: true, max: 75, required: true})
		k.options(group, here, 1, 100)
	}
}

func (k *checker) options(el map[string]any, at string, least, most int) {
	list, ok := el["options"].([]any)
	if !ok {
		k.fail(at, "missing required field: options")
		return
	}
	k.count(len(list), at+"/options", least, most)
	for i, item := range list {
		here := fmt.Sprintf("%s/options/%d", at, i)
		option, _ := item.(map[string]any)
		k.known(option, here, "text", "value", "description", "url")
		k.text(option["text"], here+"/text", textRule{max: 75, required: true})
		k.text(option["description"], here+"/description", textRule{max: 75})
		value := str(option["value"])
		if value == "" {
			k.fail(here, "missing required field: value")
		}
		// 75 is the documented limit; some SDKs say 150.
		k.length(value, here+"/value", 75)
	}
}

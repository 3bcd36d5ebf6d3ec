package slacksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// surface is where blocks are shown.
type surface int

const (
	onMessage surface = iota
	onModal
	onHome
)

// The limits of Block Kit: https://docs.slack.dev/reference/block-kit/
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxMarkdown      = 12_000 // summed over a message
)

// checker looks at blocks and collects what Slack would say about them, in the
// words of response_metadata.messages: a sentence and a JSON pointer.
type checker struct {
	surface   surface
	base      string // pointer to what is checked
	problems  []string
	blockIDs  map[string]bool
	actionIDs map[string]bool
	tables    int
	markdown  int
	newID     func(prefix string) string
}

func (s *Server) checkerLocked(where surface, base string) *checker {
	return &checker{surface: where, base: base, blockIDs: map[string]bool{}, actionIDs: map[string]bool{}, newID: s.idLocked}
}

// checkBlocksLocked checks the blocks argument of a message and returns them as
// Slack stores them: with block_id and action_id everywhere. An empty list is nil.
func (s *Server) checkBlocksLocked(text string, where surface) (json.RawMessage, *apiError) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var list []any
	if decoder.Decode(&list) != nil || decoder.More() {
		return nil, fail("invalid_blocks_format")
	}
	k := s.checkerLocked(where, "/blocks")
	k.blocks(list, "")
	if len(k.problems) > 0 {
		return nil, &apiError{code: "invalid_blocks", messages: k.problems}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return encode(list), nil
}

func (k *checker) fail(at, problem string) {
	k.problems = append(k.problems, problem+" [json-pointer:"+k.base+at+"]")
}

func (k *checker) tooLong(at string, most int) {
	k.fail(at, fmt.Sprintf("must be less than %d characters", most+1))
}

// known refuses properties that Slack does not know for this object: usually a
// typo, or a property of another object.
func (k *checker) known(object map[string]any, at string, names ...string) {
	for name := range object {
		if !slices.Contains(names, name) {
			k.fail(at, "invalid additional property: "+name)
		}
	}
}

func (k *checker) blocks(list []any, at string) {
	most := maxMessageBlocks
	if k.surface != onMessage {
		most = maxViewBlocks
	}
	if len(list) > most {
		k.fail(at, fmt.Sprintf("no more than %d items allowed", most))
	}
	for i, item := range list {
		here := fmt.Sprintf("%s/%d", at, i)
		block, ok := item.(map[string]any)
		if !ok {
			k.fail(here, "must be an object")
			continue
		}
		k.block(block, here)
	}
}

// blockSurfaces is where each block type can stand, of those the simulation knows.
func blockSurfaces(kind string) (surfaces []surface, known bool) {
	switch kind {
	case "section", "divider", "header", "context", "actions", "image", "input", "rich_text", "video":
		return []surface{onMessage, onModal, onHome}, true
	case "table", "markdown", "file", "call", "context_actions", "plan", "task_card", "carousel":
		return []surface{onMessage}, true
	case "data_table", "data_visualization", "container", "card":
		return []surface{onMessage, onHome}, true
	case "alert":
		return []surface{onModal}, true
	}
	return nil, false
}

func (k *checker) block(b map[string]any, at string) {
	kind := str(b["type"])
	surfaces, known := blockSurfaces(kind)
	switch {
	case !known:
		k.fail(at, fmt.Sprintf("unsupported type: %s", kind))
		return
	case !slices.Contains(surfaces, k.surface):
		k.fail(at, fmt.Sprintf("block type %s is not allowed here", kind))
		return
	}
	k.blockID(b, at)
	if k.surface != onMessage {
		clear(k.actionIDs) // of this block only, see actionID
	}
	switch kind {
	case "section":
		k.section(b, at)
	case "divider":
		k.known(b, at, "type", "block_id")
	case "header":
		k.known(b, at, "type", "block_id", "text", "level")
		k.text(b["text"], at+"/text", textRule{plain: true, max: 150, required: true})
	case "context":
		k.context(b, at)
	case "actions":
		k.known(b, at, "type", "block_id", "elements")
		k.elements(b, at, "elements", 1, 25)
	case "image":
		k.known(b, at, "type", "block_id", "image_url", "slack_file", "alt_text", "title")
		k.image(b, at)
		k.text(b["title"], at+"/title", textRule{plain: true, max: 2000})
	case "input":
		k.input(b, at)
	case "rich_text":
		k.known(b, at, "type", "block_id", "elements")
		k.richText(b, at)
	case "table":
		k.table(b, at)
	case "markdown":
		k.markdownBlock(b, at)
	case "alert":
		k.known(b, at, "type", "block_id", "text", "level")
		k.text(b["text"], at+"/text", textRule{max: 200, required: true})
		k.oneOf(b, at, "level", "default", "info", "warning", "error", "success")
	case "container":
		k.container(b, at)
	case "card":
		k.text(b["title"], at+"/title", textRule{max: 150})
		k.text(b["subtitle"], at+"/subtitle", textRule{max: 150})
		k.text(b["body"], at+"/body", textRule{max: 200})
		k.text(b["subtext"], at+"/subtext", textRule{max: 200})
		if b["actions"] != nil {
			k.elements(b, at, "actions", 1, 3)
		}
	}
}

// blockID checks the block_id and fills it in, as Slack does.
func (k *checker) blockID(b map[string]any, at string) {
	id, given := b["block_id"]
	if !given || id == "" {
		b["block_id"] = k.newID("b")
		return
	}
	text, ok := id.(string)
	switch {
	case !ok:
		k.fail(at+"/block_id", "must be a string")
	case utf8.RuneCountInString(text) > 255:
		k.tooLong(at+"/block_id", 255)
	case k.blockIDs[text]:
		k.fail(at+"/block_id", "`block_id` already exists: "+text)
	}
	k.blockIDs[text] = true
}

func (k *checker) section(b map[string]any, at string) {
	k.known(b, at, "type", "block_id", "text", "fields", "accessory", "expand")
	fields, hasFields := b["fields"].([]any)
	if b["fields"] != nil && !hasFields {
		k.fail(at+"/fields", "must be an array")
	}
	if b["text"] == nil && !hasFields {
		k.fail(at, "must define either `text` or `fields`")
	}
	k.text(b["text"], at+"/text", textRule{max: 3000})
	if hasFields {
		k.count(len(fields), at+"/fields", 1, 10)
		for i, f := range fields {
			k.text(f, fmt.Sprintf("%s/fields/%d", at, i), textRule{max: 2000, required: true})
		}
	}
	if b["accessory"] != nil {
		k.element(b["accessory"], at+"/accessory", inSection)
	}
}

func (k *checker) context(b map[string]any, at string) {
	k.known(b, at, "type", "block_id", "elements")
	elements, ok := b["elements"].([]any)
	if !ok {
		k.fail(at, "missing required field: elements")
		return
	}
	k.count(len(elements), at+"/elements", 1, 10)
	for i, item := range elements {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		el, _ := item.(map[string]any)
		if el["type"] == "image" {
			k.known(el, here, "type", "image_url", "slack_file", "alt_text")
			k.image(el, here)
			continue
		}
		k.text(item, here, textRule{max: 2000, required: true})
	}
}

func (k *checker) image(b map[string]any, at string) {
	if b["image_url"] == nil && b["slack_file"] == nil {
		k.fail(at, "must define either `image_url` or `slack_file`")
	}
	k.length(str(b["image_url"]), at+"/image_url", 3000)
	if str(b["alt_text"]) == "" {
		k.fail(at, "missing required field: alt_text")
	}
	k.length(str(b["alt_text"]), at+"/alt_text", 2000)
}

func (k *checker) input(b map[string]any, at string) {
	k.known(b, at, "type", "block_id", "label", "element", "hint", "optional", "dispatch_action")
	k.text(b["label"], at+"/label", textRule{plain: true, max: 2000, required: true})
	k.text(b["hint"], at+"/hint", textRule{plain: true, max: 2000})
	el, ok := b["element"].(map[string]any)
	if !ok {
		k.fail(at, "missing required field: element")
		return
	}
	k.element(el, at+"/element", inInput)
}

// markdownBlock: the text of all markdown blocks of a message counts together.
func (k *checker) markdownBlock(b map[string]any, at string) {
	k.known(b, at, "type", "block_id", "text")
	text := str(b["text"])
	if text == "" {
		k.fail(at+"/text", "must be more than 0 characters")
	}
	k.markdown += utf8.RuneCountInString(text)
	if k.markdown > maxMarkdown {
		k.tooLong(at+"/text", maxMarkdown)
	}
}

func (k *checker) container(b map[string]any, at string) {
	if b["title"] == nil && b["rich_text_title"] == nil {
		k.fail(at, "missing required field: title")
	}
	k.text(b["title"], at+"/title", textRule{plain: true, max: 150})
	k.text(b["subtitle"], at+"/subtitle", textRule{max: 150})
	children, _ := b["child_blocks"].([]any)
	k.count(len(children), at+"/child_blocks", 1, 10)
	for i, child := range children {
		here := fmt.Sprintf("%s/child_blocks/%d", at, i)
		block, _ := child.(map[string]any)
		switch block["type"] {
		case "actions", "context", "divider", "header", "image", "input", "rich_text", "section", "table", "video":
			k.block(block, here)
		default:
			k.fail(here, fmt.Sprintf("unsupported type: %s", str(block["type"])))
		}
	}
}

func (k *checker) count(n int, at string, least, most int) {
	switch {
	case n < least:
		k.fail(at, fmt.Sprintf("no fewer than %d items allowed", least))
	case n > most:
		k.fail(at, fmt.Sprintf("no more than %d items allowed", most))
	}
}

func (k *checker) oneOf(object map[string]any, at, key string, allowed ...string) {
	v, given := object[key]
	if given && !slices.Contains(allowed, str(v)) {
		k.fail(at+"/"+key, "value is not one of the allowed values")
	}
}

// textRule is what is asked of a text object.
type textRule struct {
	plain    bool // plain_text only
	max      int
	required bool
}

func (k *checker) text(v any, at string, rule textRule) {
	if v == nil {
		if rule.required {
			k.fail(at, "missing required field")
		}
		return
	}
	object, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be a text object")
		return
	}
	switch kind := str(object["type"]); {
	case kind == "plain_text":
		k.known(object, at, "type", "text", "emoji")
	case kind == "mrkdwn" && rule.plain:
		k.fail(at+"/type", "must be plain_text")
	case kind == "mrkdwn":
		k.known(object, at, "type", "text", "verbatim")
	default:
		k.fail(at, "unsupported text type: "+kind)
	}
	if emoji, given := object["emoji"]; given {
		if _, isBool := emoji.(bool); !isBool {
			k.fail(at+"/emoji", "must be a boolean")
		}
	}
	text, isString := object["text"].(string)
	switch {
	case !isString:
		k.fail(at+"/text", "must be a string")
	case text == "":
		k.fail(at+"/text", "must be more than 0 characters")
	default:
		k.length(text, at+"/text", rule.max)
	}
}

package slacksim

import (
	"fmt"
	"unicode/utf8"
)

// Limits of the table block.
const (
	maxRows       = 100
	maxColumns    = 20
	maxTableChars = 10_000
)

// table checks a table block. raw_number cells are refused, as Slack has refused
// them, although its reference names them; so are empty cells.
func (k *checker) table(b map[string]any, at string) {
	k.known(b, at, "type", "block_id", "rows", "column_settings")
	k.tables++
	if k.tables > 1 {
		k.fail(at, "only one table block is allowed per message")
	}
	rows, ok := b["rows"].([]any)
	if !ok {
		k.fail(at, "missing required field: rows")
		return
	}
	k.count(len(rows), at+"/rows", 1, maxRows)
	chars := 0
	for i, r := range rows {
		here := fmt.Sprintf("%s/rows/%d", at, i)
		cells, ok := r.([]any)
		if !ok {
			k.fail(here, "must be an array")
			continue
		}
		k.count(len(cells), here, 1, maxColumns)
		for j, cell := range cells {
			chars += k.cell(cell, fmt.Sprintf("%s/%d", here, j))
		}
	}
	if chars > maxTableChars {
		k.tooLong(at, maxTableChars)
	}
	k.columnSettings(b["column_settings"], at+"/column_settings")
}

func (k *checker) cell(v any, at string) (chars int) {
	cell, ok := v.(map[string]any)
	if !ok {
		k.fail(at, "must be an object")
		return 0
	}
	switch kind := str(cell["type"]); kind {
	case "raw_text":
		k.known(cell, at, "type", "text")
		text := str(cell["text"])
		if text == "" {
			k.fail(at+"/text", "must be more than 0 characters")
		}
		return utf8.RuneCountInString(text)
	case "rich_text":
		k.known(cell, at, "type", "elements", "block_id")
		k.richText(cell, at)
		return utf8.RuneCountInString(flattenRich(cell, nil))
	default:
		k.fail(at, "unsupported type: "+kind)
		return 0
	}
}

func (k *checker) columnSettings(v any, at string) {
	if v == nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		k.fail(at, "must be an array")
		return
	}
	k.count(len(list), at, 0, maxColumns)
	for i, item := range list {
		if item == nil {
			continue // null skips a column.
		}
		here := fmt.Sprintf("%s/%d", at, i)
		setting, _ := item.(map[string]any)
		k.known(setting, here, "align", "is_wrapped")
		k.oneOf(setting, here, "align", "left", "center", "right")
	}
}

package slacksim_test

import (
	"fmt"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
)

func plainText(text string) string { return `{"type":"plain_text","text":"` + text + `"}` }

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

func button(extra string) string {
	return `{"type":"button","text":` + plainText("Go") + extra + `}`
}

func actions(elements ...string) string {
	return `{"type":"actions","elements":[` + strings.Join(elements, ",") + `]}`
}

func rows(rows ...string) string { return `{"type":"table","rows":[` + strings.Join(rows, ",") + `]}` }

func rawText(text string) string { return `{"type":"raw_text","text":"` + text + `"}` }

func rich(element string) string { return `{"type":"rich_text","elements":[` + element + `]}` }

func richSection(piece string) string {
	return rich(`{"type":"rich_text_section","elements":[` + piece + `]}`)
}

func many(n int, one func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = one(i)
	}
	return strings.Join(list, ",")
}

func confirm(title, text, yes, no string) string {
	return `,"confirm":{"title":` + plainText(title) + `,"text":` + plainText(text) + `,"confirm":` + plainText(yes) + `,"deny":` + plainText(no) + `}`
}

func TestBlockLimits(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	s := workspace(t, slacksim.Options{})
	for _, test := range []struct{ what, blocks, want string }{
		{"50 blocks", many(50, func(int) string { return `{"type":"divider"}` }), ""},
		{"51 blocks", many(51, func(int) string { return `{"type":"divider"}` }), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"no type", `{}`, "unsupported type"},
		{"unknown type", `{"type":"sektion"}`, "unsupported type: sektion [json-pointer:/blocks/0]"},
		{"not an object", `"section"`, "must be an object"},
		{"alert", `{"type":"alert","text":` + plainText("x") + `}`, "not allowed here"},
		{"unknown property", `{"type":"divider","txt":"x"}`, "invalid additional property: txt"},
		{"block_id twice", `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`, "already exists: a"},
		{"long block_id", `{"type":"divider","block_id":"` + x(256) + `"}`, "must be less than 256 characters"},

		{"section, 3000", section(x(3000)), ""},
		{"section, 3001", section(x(3001)), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"section, empty", section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		{"section, nothing", `{"type":"section"}`, "must define either `text` or `fields`"},
		{"section, 10 fields", `{"type":"section","fields":[` + many(10, func(int) string { return plainText(x(2000)) }) + `]}`, ""},
		{"section, 11 fields", `{"type":"section","fields":[` + many(11, func(int) string { return plainText("x") }) + `]}`, "no more than 10"},
		{"section, no fields", `{"type":"section","fields":[]}`, "no fewer than 1"},
		{"section, long field", `{"type":"section","fields":[` + plainText(x(2001)) + `]}`, "must be less than 2001"},
		{"text, unknown type", `{"type":"section","text":{"type":"markdown","text":"x"}}`, "unsupported text type"},
		{"text, emoji on mrkdwn", `{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":false}}`, "invalid additional property: emoji"},
		{"text, verbatim on plain_text", `{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}`, "invalid additional property: verbatim"},
		{"text, emoji not a bool", `{"type":"section","text":{"type":"plain_text","text":"x","emoji":"no"}}`, "must be a boolean"},
		{"text, emoji false", `{"type":"section","text":{"type":"plain_text","text":"x","emoji":false}}`, ""},
		{"text, a number", `{"type":"section","text":{"type":"plain_text","text":7}}`, "must be a string"},

		{"header, 150", `{"type":"header","text":` + plainText(x(150)) + `}`, ""},
		{"header, 151", `{"type":"header","text":` + plainText(x(151)) + `}`, "must be less than 151"},
		{"header, mrkdwn", `{"type":"header","text":{"type":"mrkdwn","text":"x"}}`, "must be plain_text"},
		{"header, none", `{"type":"header"}`, "missing required field"},

		{"context, 10", `{"type":"context","elements":[` + many(10, func(int) string { return plainText("x") }) + `]}`, ""},
		{"context, 11", `{"type":"context","elements":[` + many(11, func(int) string { return plainText("x") }) + `]}`, "no more than 10"},
		{"context, empty", `{"type":"context","elements":[]}`, "no fewer than 1"},
		{"context, a button", `{"type":"context","elements":[` + button("") + `]}`, "unsupported text type: button"},
		{"image without alt_text", `{"type":"image","image_url":"https://example.com/x.png"}`, "missing required field: alt_text"},

		{"actions, 25", actions(many(25, func(i int) string { return button(fmt.Sprintf(`,"action_id":"a%d"`, i)) })), ""},
		{"actions, 26", actions(many(26, func(i int) string { return button(fmt.Sprintf(`,"action_id":"a%d"`, i)) })), "no more than 25"},
		{"actions, empty", actions(), "no fewer than 1"},
		{"actions, text", actions(plainText("x")), "unsupported type: plain_text"},
		{"button, text 75", actions(`{"type":"button","text":` + plainText(x(75)) + `}`), ""},
		{"button, text 76", actions(`{"type":"button","text":` + plainText(x(76)) + `}`), "must be less than 76"},
		{"button, no text", actions(`{"type":"button"}`), "missing required field"},
		{"button, action_id 255", actions(button(`,"action_id":"` + x(255) + `"`)), ""},
		{"button, action_id 256", actions(button(`,"action_id":"` + x(256) + `"`)), "must be less than 256"},
		{"button, action_id twice in two blocks", actions(button(`,"action_id":"a"`)) + "," + actions(button(`,"action_id":"a"`)), "already exists: a"},
		{"button, value 2000", actions(button(`,"value":"` + x(2000) + `"`)), ""},
		{"button, value 2001", actions(button(`,"value":"` + x(2001) + `"`)), "must be less than 2001"},
		{"button, value a number", actions(button(`,"value":7`)), "must be a string"},
		{"button, style", actions(button(`,"style":"default"`)), "not one of the allowed values"},
		{"button, url 3001", actions(button(`,"url":"` + x(3001) + `"`)), "must be less than 3001"},
		{"confirm", actions(button(confirm(x(100), x(300), x(30), x(30)))), ""},
		{"confirm, title", actions(button(confirm(x(101), "x", "x", "x"))), "must be less than 101"},
		{"confirm, text", actions(button(confirm("x", x(301), "x", "x"))), "must be less than 301"},
		{"confirm, yes", actions(button(confirm("x", "x", x(31), "x"))), "must be less than 31"},
		{"confirm, no", actions(button(confirm("x", "x", "x", x(31)))), "must be less than 31"},
		{"confirm, incomplete", actions(button(`,"confirm":{"title":` + plainText("x") + `}`)), "missing required field"},
		{"select", actions(`{"type":"static_select","options":[{"text":` + plainText("x") + `,"value":"v"}]}`), ""},
		{"select, long value", actions(`{"type":"static_select","options":[{"text":` + plainText("x") + `,"value":"` + x(76) + `"}]}`), "must be less than 76"},
		{"overflow, one option", actions(`{"type":"overflow","options":[{"text":` + plainText("x") + `,"value":"v"}]}`), "no fewer than 2"},

		{"table", rows("["+rawText("x")+"]") + ``, ""},
		{"table, 100 rows", rows(many(100, func(int) string { return "[" + rawText("x") + "]" })), ""},
		{"table, 101 rows", rows(many(101, func(int) string { return "[" + rawText("x") + "]" })), "no more than 100"},
		{"table, 21 columns", rows("[" + many(21, func(int) string { return rawText("x") }) + "]"), "no more than 20"},
		{"table, no rows", rows(), "no fewer than 1"},
		{"table, 10,000 chars", rows("[" + rawText(x(10_000)) + "]"), ""},
		{"table, 10,001 chars", rows("[" + rawText(x(5_000)) + "," + rawText(x(5_001)) + "]"), "must be less than 10001"},
		{"table, empty cell", rows("[" + rawText("") + "]"), "must be more than 0 characters"},
		{"table, null cell", rows("[null]"), "must be an object"},
		{"table, raw_number", rows(`[{"type":"raw_number","value":7}]`), "unsupported type: raw_number"},
		{"table, rich cell", rows(`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x","style":{"bold":true}}]}]}]`), ""},
		{"table, bad align", `{"type":"table","rows":[[` + rawText("x") + `]],"column_settings":[{"align":"middle"}]}`, "not one of the allowed values"},
		{"table, skipped column", `{"type":"table","rows":[[` + rawText("x") + `]],"column_settings":[null,{"align":"right"}]}`, ""},
		{"two tables", rows("["+rawText("x")+"]") + "," + rows("["+rawText("x")+"]"), "only one table block"},

		{"rich, all pieces", richSection(`{"type":"text","text":"x","style":{"bold":true,"code":true}},{"type":"user","user_id":"U1"},{"type":"channel","channel_id":"C1"},{"type":"emoji","name":"wave"},{"type":"link","url":"https://example.com"}`), ""},
		{"rich, empty text", richSection(`{"type":"text","text":""}`), "must be more than 0 characters"},
		{"rich, user without ID", richSection(`{"type":"user"}`), "missing required field: user_id"},
		{"rich, unknown piece", richSection(`{"type":"txt","text":"x"}`), "unsupported type: txt"},
		{"rich, unknown style", richSection(`{"type":"text","text":"x","style":{"big":true}}`), "invalid additional property: big"},
		{"rich, style not a bool", richSection(`{"type":"text","text":"x","style":{"bold":"yes"}}`), "must be a boolean"},
		{"rich, unknown element", rich(`{"type":"section","elements":[]}`), "unsupported type: section"},
		{"rich, user in preformatted", rich(`{"type":"rich_text_preformatted","elements":[{"type":"user","user_id":"U1"}]}`), "unsupported type: user"},
		{"rich, list", rich(`{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}`), ""},
		{"rich, list without style", rich(`{"type":"rich_text_list","elements":[]}`), "not one of the allowed values"},
		{"rich, text in a list", rich(`{"type":"rich_text_list","style":"bullet","elements":[{"type":"text","text":"x"}]}`), "unsupported type: text"},
		{"rich, no elements", `{"type":"rich_text"}`, "missing required field: elements"},

		{"markdown, summed", many(2, func(int) string { return `{"type":"markdown","text":"` + x(6_001) + `"}` }), "must be less than 12001"},
		{"container, 11 children", `{"type":"container","title":` + plainText("x") + `,"child_blocks":[` + many(11, func(int) string { return `{"type":"divider"}` }) + `]}`, "no more than 10"},
		{"container, a container in it", `{"type":"container","title":` + plainText("x") + `,"child_blocks":[{"type":"container"}]}`, "unsupported type: container"},
	} {
		values := "channel=" + ops + "&text=x&blocks=" + urlEscape("["+test.blocks+"]")
		_, answer := call(t, s, "chat.postMessage", "xoxb-sandbox", form, values)
		switch {
		case test.want == "" && answer["ok"] != true:
			t.Errorf("%s: refused: %v", test.what, answer)
		case test.want != "" && (answer["error"] != "invalid_blocks" || !strings.Contains(jsonText(t, answer["errors"]), test.want)):
			t.Errorf("%s: %v, want invalid_blocks with %q", test.what, answer, test.want)
		}
	}
}

func TestBlocksThatAreNotAList(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	for _, blocks := range []string{`{"blocks":[]}`, `[{]`, `x`, `[] []`} {
		_, answer := call(t, s, "chat.postMessage", "xoxb-sandbox", form, "channel="+ops+"&text=x&blocks="+urlEscape(blocks))
		if answer["error"] != "invalid_blocks_format" {
			t.Errorf("blocks %s: %v", blocks, answer)
		}
	}
}

func TestInvalidBlocksSayWhichThroughSlackGo(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	_, _, err := webAPI(s).PostMessage(ops, slack.MsgOptionBlocks(
		slack.NewDividerBlock(), slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "", false, false), nil, nil)))
	refused, ok := err.(slack.SlackErrorResponse)
	want := "[ERROR] must be more than 0 characters [json-pointer:/blocks/1/text/text]"
	if !ok || len(refused.ResponseMetadata.Messages) != 1 || refused.ResponseMetadata.Messages[0] != want {
		t.Errorf("error %+v, want %q", err, want)
	}
	if len(s.Messages(ops)) != 0 {
		t.Error("a refused message was posted")
	}
}

// What slack-go's own constructors make is taken.
func TestSlackGoBlocksAreValid(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	plain := func(text string) *slack.TextBlockObject {
		return slack.NewTextBlockObject("plain_text", text, false, false)
	}
	table := slack.NewTableBlock("diff").
		WithColumnSettings(slack.ColumnSetting{Align: slack.ColumnAlignmentLeft}, slack.ColumnSetting{Align: slack.ColumnAlignmentRight, IsWrapped: true})
	table.AddRow(slack.NewTableRawTextCell("setting"), slack.NewTableRawTextCell("before → after"))
	table.AddRow(slack.NewTableRichTextCell(slack.NewRichTextSection(
		slack.NewRichTextSectionTextElement("max", &slack.RichTextSectionTextStyle{Code: true}))), slack.NewTableRawTextCell("4 → 7"))
	sure := slack.NewConfirmationBlockObject(plain("Sure?"), plain("This changes production."), plain("Yes"), plain("No"))
	_, _, err := webAPI(s).PostMessage(ops,
		slack.MsgOptionText("&lt;fallback&gt; for <@U0ALICE> in <#C0OPS>", false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionBlocks(
			slack.NewHeaderBlock(plain("Request")),
			slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "for <!subteam^S0ONCALL> &amp; <https://example.com|docs>", false, false),
				[]*slack.TextBlockObject{plain("field")}, slack.NewAccessory(slack.NewButtonBlockElement("more", "1", plain("More")))),
			table,
			slack.NewRichTextBlock("quote",
				&slack.RichTextQuote{Type: slack.RTEQuote, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("verbatim", nil)}},
				&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("curl", nil)}},
				slack.NewRichTextList(slack.RTEListBullet, 0, slack.NewRichTextSection(slack.NewRichTextSectionUserElement(bob, nil)))),
			slack.NewContextBlock("ids", plain("model m1"), plain("request #ABCDE")),
			slack.NewDividerBlock(),
			slack.NewActionBlock("", slack.NewButtonBlockElement("go", "1", plain("Go")).WithConfirm(sure).WithStyle(slack.StyleDanger)),
		))
	if err != nil {
		t.Fatalf("%v: %+v", err, err)
	}
	s.AddUsergroup("S0ONCALL", "oncall")
	m := s.Messages(ops)[0]
	want := strings.Join([]string{
		"<fallback> for @alice in #ops", "Request", "for @oncall & docs", "field", "[More]", "setting | before → after", "max | 4 → 7",
		"verbatim", "curl", "• @bob", "model m1 request #ABCDE", "[Go]",
	}, "\n")
	if got := strings.TrimSpace(s.PlainText(m)); got != want {
		t.Errorf("plain text\n%s\nwant\n%s", got, want)
	}
	buttons := m.Buttons()
	if len(buttons) != 2 || buttons[1].ActionID != "go" || !buttons[1].Confirm || buttons[1].BlockID == "" || buttons[1].Style != "danger" {
		t.Errorf("buttons %+v", buttons)
	}
}

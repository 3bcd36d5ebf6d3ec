package commands

import "strings"

// FromMention returns the command in the text of an app mention: without the
// leading mention of the bot, links and mentions written as people saw them, and
// entities unescaped exactly once. It reports false if the text does not begin
// with a mention of the bot.
//
// Slack escapes that text always (&lt; &gt; &amp;), so every < in it begins
// something that Slack wrote: <@U1|name>, <#C1|name>, <!here>, <http://x|x>.
func FromMention(text string, botUserID string) (string, bool) {
	if botUserID == "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "<@"+botUserID)
	if !ok {
		return "", false
	}
	label, rest, ok := strings.Cut(rest, ">")
	if !ok || label != "" && label[0] != '|' {
		return "", false
	}
	rest = strings.TrimLeft(rest, ":,") // "@bot, status llama-70b"
	rest = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(asSeen(rest))
	return strings.TrimSpace(rest), true
}

// asSeen replaces what Slack put between angle brackets by what people saw of it.
func asSeen(text string) string {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, "<")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		inner, rest, ok := strings.Cut(after, ">")
		if !ok {
			out.WriteString("<" + after)
			return out.String()
		}
		out.WriteString(entityText(inner))
		text = rest
	}
}

func entityText(inner string) string {
	ref, label, _ := strings.Cut(inner, "|")
	if ref == "" {
		return label
	}
	switch sign, id := ref[:1], ref[1:]; sign {
	case "@", "#":
		if label == "" {
			label = id
		}
		return sign + strings.TrimPrefix(label, sign)
	case "!":
		if label == "" {
			label = "@" + id
		}
		return label
	}
	if label == "" {
		return ref
	}
	return label
}

package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/sandbox/slacksim"
)

// Person is somebody in the workspace, about to do something. Its methods read
// as a story: w.As("Ana").Slash("#ml-oncall", "/autoscale llama-70b production max=7").
type Person struct {
	w  *World
	id string
}

// As returns a person by first name ("Ana"), user name or user ID. It panics if
// there is no such person: that is a mistake in the story, not in what it tells.
func (w *World) As(name string) *Person {
	for _, u := range w.Slack.Snapshot().Users {
		first, _, _ := strings.Cut(u.RealName, " ")
		if name == u.ID || name == u.Name || name == first {
			return &Person{w, u.ID}
		}
	}
	panic("sandbox: nobody is called " + name)
}

// Channel returns the ID of a channel by "#name" or ID, and "@autoscale" is the
// person's direct message with the bot. It panics if there is none.
func (p *Person) Channel(name string) string {
	s := p.w.Slack.Snapshot()
	for _, c := range s.Channels {
		direct := c.IM && name == "@"+s.Team.BotName && slices.Contains(c.Members, p.id)
		if direct || name == c.ID || (!c.IM && name == "#"+c.Name) {
			return c.ID
		}
	}
	panic("sandbox: there is no channel " + name)
}

// Slash types a command line, "/autoscale …", in a channel.
func (p *Person) Slash(channel, line string) *slacksim.Delivery {
	return p.w.Slack.Slash(p.id, p.Channel(channel), strings.TrimPrefix(line, p.w.Slack.Snapshot().Team.Command))
}

// Mention types "@autoscale text" in a channel; threadTS, if not empty, in that thread.
func (p *Person) Mention(channel, threadTS, text string) *slacksim.Delivery {
	return p.w.Slack.Mention(p.id, p.Channel(channel), threadTS, text)
}

// Say types plain text in a channel and returns its ts; empty if Slack refused.
func (p *Person) Say(channel, threadTS, text string) string {
	return p.w.Slack.Say(p.id, p.Channel(channel), threadTS, text)
}

// Click waits until the person sees a button that reads label, and presses the
// newest one. Where the button asks for confirmation, it is given.
func (p *Person) Click(ctx context.Context, label string) (*slacksim.Delivery, error) {
	var found slacksim.Message
	var button slacksim.Button
	err := p.w.Slack.Wait(ctx, func(s *slacksim.Snapshot) bool {
		for _, m := range slices.Backward(p.visible(s)) {
			for _, b := range m.Buttons() {
				if b.Text == label {
					found, button = m, b
					return true
				}
			}
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("%s looks for a button %q: %w", p.id, label, err)
	}
	if found.EphemeralFor != "" {
		return p.w.Slack.ClickEphemeral(p.id, found.Channel, found.TS, button.ActionID), nil
	}
	return p.w.Slack.Click(p.id, found.Channel, found.TS, button.ActionID), nil
}

// Sees waits until a message that the person can see holds the text, in its text
// or its blocks, and returns the newest such message. It reads messages as
// slacksim.Server.PlainText writes them.
func (p *Person) Sees(ctx context.Context, text string) (slacksim.Message, error) {
	var found slacksim.Message
	err := p.w.Slack.Wait(ctx, func(s *slacksim.Snapshot) bool {
		for _, m := range slices.Backward(p.visible(s)) {
			if strings.Contains(p.w.Slack.PlainText(m), text) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("%s looks for %q, and sees:\n%s%w", p.id, text, p.Reading(), err)
	}
	return found, nil
}

// Reading is everything the person can see, message by message, oldest first.
func (p *Person) Reading() string {
	s := p.w.Slack.Snapshot()
	var b strings.Builder
	for _, m := range p.visible(&s) {
		fmt.Fprintf(&b, "[%s] %s\n", m.Channel, p.w.Slack.PlainText(m))
	}
	return b.String()
}

// visible lists the messages that the person can see, oldest first.
func (p *Person) visible(s *slacksim.Snapshot) []slacksim.Message {
	var out []slacksim.Message
	for _, c := range s.Channels {
		if slices.Contains(c.Members, p.id) {
			out = append(out, s.Messages[c.ID]...)
		}
	}
	for _, m := range s.Ephemerals {
		if m.EphemeralFor == p.id {
			out = append(out, m)
		}
	}
	out = slices.DeleteFunc(out, func(m slacksim.Message) bool { return m.Deleted })
	slices.SortStableFunc(out, func(a, b slacksim.Message) int { return cmp.Compare(a.TS, b.TS) })
	return out
}

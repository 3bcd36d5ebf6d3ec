package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/sandbox/slacksim"
)

// deed is the body of POST /do: somebody does something.
type deed struct {
	As     string `json:"as"`     // user ID
	Action string `json:"action"` // a key of page.deeds

	Channel string `json:"channel"`
	Thread  string `json:"thread"` // ts of the thread's root, or empty
	Text    string `json:"text"`

	TS       string `json:"ts"` // of the message whose button is pressed
	ActionID string `json:"action_id"`
	Private  bool   `json:"private"` // the message is an ephemeral one

	View   string                       `json:"view"`   // view ID
	Values map[string]map[string]string `json:"values"` // by block_id and action_id

	BlockID string `json:"block_id"` // of an element of the view
	Value   string `json:"value"`    // that it has now, or what was typed into it

	Side string `json:"side"` // slack or baseten
	Name string `json:"name"` // of the switch, of the tool of the world tray, of the shortcut
	On   bool   `json:"on"`

	Minutes int `json:"minutes"` // by which the clock moves forward
}

// problem is why something cannot be done, in words for the page.
type problem string

func (p problem) Error() string { return string(p) }

// maxDeed is far above anything a person types.
const maxDeed = 256 << 10

// serveDo carries out one deed: 204, or {"problem": "…"} with status 200 where
// Slack would not let the person do it (an ordinary thing to happen, which no
// console should call an error) and 400 where the page is at fault. What the bot
// makes of a deed is not awaited; it shows in the state.
func (p *page) serveDo(w http.ResponseWriter, r *http.Request) {
	var d deed
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxDeed))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		answerProblem(w, http.StatusBadRequest, "The page sent something that cannot be read. Reload it.")
		return
	}
	err := p.do(d)
	var said problem
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.As(err, &said):
		answerProblem(w, http.StatusOK, said.Error())
	default:
		answerProblem(w, http.StatusOK, sentence(err.Error()))
	}
}

func answerProblem(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"problem": text})
}

// sentence makes a sentence of a simulator's refusal.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (p *page) do(d deed) error {
	slack := p.world.Slack
	switch d.Action {
	case "slash":
		return p.slash(d)
	case "mention":
		return refused(slack.Mention(d.As, d.Channel, d.Thread, d.Text))
	case "say":
		if slack.Say(d.As, d.Channel, d.Thread, d.Text) == "" {
			return problem("Slack does not let this person write here.")
		}
		return nil
	case "click":
		if d.Private {
			return refused(slack.ClickEphemeral(d.As, d.Channel, d.TS, d.ActionID))
		}
		return refused(slack.Click(d.As, d.Channel, d.TS, d.ActionID))
	case "submit":
		return refused(slack.Submit(d.As, d.View, d.Values))
	case "act":
		return refused(slack.Act(d.As, d.View, d.BlockID, d.ActionID, d.Value, d.Values))
	case "suggest":
		return refused(slack.Suggest(d.As, d.View, d.BlockID, d.ActionID, d.Value, d.Values))
	case "shortcut":
		if d.TS != "" {
			return refused(slack.MessageShortcut(d.As, d.Channel, d.TS, d.Name))
		}
		return refused(slack.Shortcut(d.As, d.Name))
	case "home":
		return refused(slack.OpenHome(d.As))
	case "close_view":
		slack.CloseView(d.As, d.View)
		return nil
	case "switch":
		return p.flip(d)
	case "world":
		return p.world.use(d)
	case "clock":
		p.world.MoveClock(time.Duration(d.Minutes) * time.Minute)
		return nil
	case "policy":
		defer p.changed.send()
		return p.world.SetPolicy(d.Text)
	case "bot":
		return p.switchBot(d.On)
	}
	return problem(fmt.Sprintf("The sandbox knows no action %q. Reload the page.", d.Action))
}

// refused returns why Slack did not even send a delivery to the app, or nil. A
// delivery that the app leaves unanswered is told of by Slackbot, in the channel.
func refused(d *slacksim.Delivery) error {
	if d.Outcome() == slacksim.OutcomeRefused {
		return d.Err()
	}
	return nil
}

// slash carries out a command line: the app's command, or Slack's own /invite.
func (p *page) slash(d deed) error {
	slack := p.world.Slack
	team := slack.Snapshot().Team
	word, rest, _ := strings.Cut(strings.TrimSpace(d.Text), " ")
	switch {
	case d.Thread != "":
		return problem(fmt.Sprintf("Slack takes no slash commands in threads. Type @%s %s instead.", team.BotName, strings.TrimSpace(rest)))
	case word == team.Command:
		return refused(slack.Slash(d.As, d.Channel, rest))
	case word == "/invite" && strings.TrimSpace(rest) == "@"+team.BotName:
		if !p.world.in(d.Channel, d.As) {
			return problem("Only people in the channel can invite.")
		}
		slack.Join(d.Channel, team.BotUserID)
		return nil
	}
	return problem(fmt.Sprintf("%s is not a command here. Try %s help.", word, team.Command))
}

// in reports whether a user is in a channel.
func (w *World) in(channel, user string) bool {
	return slices.ContainsFunc(w.Slack.Snapshot().Channels, func(c slacksim.Channel) bool {
		return c.ID == channel && !c.IM && slices.Contains(c.Members, user)
	})
}

func (p *page) flip(d deed) error {
	switch d.Side {
	case "slack":
		return p.world.Slack.SetSwitch(d.Name, d.On)
	case "baseten":
		return p.world.Baseten.SetSwitch(d.Name, d.On)
	}
	return problem("The sandbox knows no such switch. Reload the page.")
}

func (p *page) switchBot(on bool) error {
	switch {
	case !p.bot.state().Switchable:
		return problem("This bot is not run by the sandbox.")
	case on:
		p.bot.Start(p.ctx)
	default:
		p.bot.Tell()
	}
	p.changed.send()
	return nil
}

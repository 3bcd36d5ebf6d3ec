package sandbox

import (
	"strings"

	"autoscalebot/internal/sandbox/slacksim"
)

// Channel IDs of the demo.
const (
	channelMLOnCall = "C0MLONCALL"
	channelLLMProd  = "C0LLMPROD"
	channelRandom   = "C0RANDOM"
	channelSecret   = "C0SECRET"
	channelPartner  = "C0PARTNER"
	channelAlarms   = "C0ALARMS"
)

// person is one of the people to act as.
type person struct {
	id, name, surname string
	role              string // for the page
	guest, external   bool
}

// people are the demo's, in the order in which to show them.
func people() []person {
	return []person{
		{id: "U0ANA", name: "Ana", surname: "Alves", role: "on call"},
		{id: "U0BEN", name: "Ben", surname: "Brandt", role: "on call"},
		{id: "U0LEA", name: "Lea", surname: "Lindqvist", role: "team lead"},
		{id: "U0LEO", name: "Leo", surname: "Moreau", role: "team lead"},
		{id: "U0GUS", name: "Gus", surname: "Green", role: "guest", guest: true},
		{id: "U0EVE", name: "Eve", surname: "Ebner", role: "other company", external: true},
	}
}

func (p person) user() slacksim.User {
	u := slacksim.User{ID: p.id, Name: strings.ToLower(p.name), RealName: p.name + " " + p.surname, DisplayName: p.name, IsRestricted: p.guest}
	if p.external {
		u.TeamID = "T0PARTNER"
	}
	return u
}

// populate adds the demo's people, channels and user group.
func (w *World) populate() {
	for _, p := range people() {
		w.Slack.AddUser(p.user())
	}
	w.Slack.AddUsergroup("S0ONCALL", "oncall", "U0ANA", "U0BEN")
	bot := w.Slack.BotUserID()
	for _, c := range []slacksim.Channel{
		{ID: channelMLOnCall, Name: "ml-oncall", Members: []string{"U0ANA", "U0BEN", "U0LEA", "U0LEO", "U0GUS", bot}},
		{ID: channelLLMProd, Name: "llm-prod", Members: []string{"U0ANA", "U0BEN", "U0LEA", "U0LEO", bot}},
		{ID: channelRandom, Name: "random", Members: []string{"U0ANA", "U0BEN", "U0LEA", "U0LEO", "U0GUS"}},
		{ID: channelSecret, Name: "secret", Private: true, Members: []string{"U0ANA", "U0LEA"}},
		{ID: channelPartner, Name: "with-partner", ExtShared: true, Members: []string{"U0ANA", "U0LEA", "U0EVE", bot}},
	} {
		w.Slack.AddChannel(c)
	}
	if w.announce == channelAlarms {
		w.Slack.AddChannel(slacksim.Channel{ID: channelAlarms, Name: "scaling-alarms", Members: []string{"U0ANA", "U0BEN", "U0LEA", "U0LEO", bot}})
	}
	for _, p := range people() {
		if !p.external {
			w.Slack.AddChannel(slacksim.Channel{ID: "D0" + strings.ToUpper(p.name), IM: true, Members: []string{p.id, bot}})
		}
	}
}

// topic is a line about a channel, for the page.
func topic(c slacksim.Channel, botIn bool) string {
	switch {
	case c.IM:
		return "Direct message with the bot. It answers questions here, and takes changes in channels only."
	case c.ExtShared:
		return "Shared with another company. The bot takes no changes here."
	case !botIn && c.Private:
		return "A private channel that the bot is not in. Type /invite @autoscale to let it in."
	case !botIn:
		return "The bot is not in this channel. Type /invite @autoscale to let it in."
	case c.ID == channelAlarms && c.Archived:
		return "Archived: nobody can write here, the bot neither."
	case c.ID == channelAlarms:
		return "Where the bot announces break-glass, and policies that it refused."
	case c.ID == channelMLOnCall:
		return "Who is on call, what is scaling, what is on fire."
	}
	return "Changes to the language models in production."
}

package sandbox

import (
	"cmp"
	"slices"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// state is what the page shows to one acting person: what this person could see in
// Slack, and what belongs to the sandbox and is there for all.
type state struct {
	Me         string                        `json:"me"`
	Team       slacksim.Team                 `json:"team"`
	People     []personState                 `json:"people"`
	Actors     []string                      `json:"actors"` // IDs of the people to act as, in order
	Channels   []channelState                `json:"channels"`
	Usergroups []slacksim.Usergroup          `json:"usergroups"`
	Messages   map[string][]slacksim.Message `json:"messages"` // by channel, oldest first, ephemeral ones among them
	Views      []slacksim.View               `json:"views"`    // modals, the topmost last
	Home       *slacksim.View                `json:"home"`     // nil: the app has published none
	Models     []basetensim.ModelSnapshot    `json:"models"`
	Switches   map[string][]switchState      `json:"switches"` // by side: slack, baseten
	World      []toolState                   `json:"world"`
	Now        int64                         `json:"now"` // the world's time, in milliseconds since 1970
	Policy     policyState                   `json:"policy"`
	Pings      []slacksim.Notification       `json:"pings"` // oldest first
	Bot        botState                      `json:"bot"`
	Counts     map[string]int                `json:"counts"` // what has happened so far, by word
}

type personState struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Surname string `json:"surname"`
	Bot     bool   `json:"bot"`
}

type channelState struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Topic    string `json:"topic"`
	Kind     string `json:"kind"` // public, private, shared, direct
	BotIn    bool   `json:"bot_in"`
	Archived bool   `json:"archived"`
}

type switchState struct {
	Name string `json:"name"`
	Text string `json:"text"`
	On   bool   `json:"on"`
	// Momentary switches do their work once and are never on.
	Momentary bool `json:"momentary"`
}

// stateFor returns what the person with that ID sees. An unknown person sees
// what the first one does.
func (w *World) stateFor(id string, bot botState) state {
	slack, baseten := w.Slack.Snapshot(), w.Baseten.Snapshot()
	if !slices.ContainsFunc(people(), func(p person) bool { return p.id == id }) {
		id = people()[0].id
	}
	bot.Connections = len(slack.Sockets)
	s := state{
		Me: id, Team: slack.Team, People: peopleState(slack), Usergroups: slack.Usergroups,
		Channels: []channelState{}, Messages: map[string][]slacksim.Message{}, Views: []slacksim.View{},
		Models: baseten.Models, Bot: bot,
		World: w.trayState(), Now: w.Now().UnixMilli(), Policy: w.policyState(), Pings: slack.Notifications,
		Switches: map[string][]switchState{"slack": {}, "baseten": {}},
		Counts:   map[string]int{"requests": baseten.Requests, "patches": baseten.Patches},
	}
	for _, p := range people() {
		s.Actors = append(s.Actors, p.id)
	}
	for _, c := range slack.Channels {
		if slices.Contains(c.Members, id) {
			s.Channels = append(s.Channels, channelOf(c, slack.Team.BotUserID))
			s.Messages[c.ID] = messagesFor(id, c.ID, slack)
		}
	}
	slices.SortStableFunc(s.Channels, func(a, b channelState) int { return rank(a) - rank(b) })
	for _, v := range slack.Views {
		switch {
		case v.UserID != id:
		case v.Type == "home":
			s.Home = &v
		default:
			s.Views = append(s.Views, v)
		}
	}
	for _, sw := range slack.Switches {
		if sw.Name == bareLimit {
			continue // stands in the world tray
		}
		s.Switches["slack"] = append(s.Switches["slack"], switchState{sw.Name, sw.Text, sw.On, sw.Momentary})
	}
	for _, sw := range baseten.Switches {
		s.Switches["baseten"] = append(s.Switches["baseten"], switchState{sw.Name, sw.Text, sw.On, false})
	}
	return s
}

// peopleState names everybody, as messages may come from people who are not among
// those to act as.
func peopleState(slack slacksim.Snapshot) []personState {
	known := map[string]person{}
	for _, p := range people() {
		known[p.id] = p
	}
	var out []personState
	for _, u := range slack.Users {
		p, ok := known[u.ID]
		if !ok {
			p = person{name: u.RealName}
		}
		out = append(out, personState{ID: u.ID, Name: p.name, Surname: p.surname, Role: p.role, Bot: u.IsBot})
	}
	return append(out, personState{ID: "USLACKBOT", Name: "Slackbot", Bot: true})
}

func channelOf(c slacksim.Channel, bot string) channelState {
	s := channelState{ID: c.ID, Name: c.Name, Kind: "public", BotIn: slices.Contains(c.Members, bot), Archived: c.Archived}
	switch {
	case c.IM:
		s.Kind = "direct"
	case c.ExtShared:
		s.Kind = "shared"
	case c.Private:
		s.Kind = "private"
	}
	s.Topic = topic(c, s.BotIn)
	return s
}

// rank orders channels: where the bot is, then the rest, then direct messages.
func rank(c channelState) int {
	order := []string{channelMLOnCall, channelLLMProd, channelAlarms, channelRandom, channelSecret, channelPartner}
	switch i := slices.Index(order, c.ID); {
	case c.Kind == "direct":
		return len(order) + 1
	case i < 0:
		return len(order)
	default:
		return i
	}
}

// messagesFor lists the messages of a channel, with those that only this person
// sees in their places. Deleted ones are kept where replies hang below them.
func messagesFor(id, channel string, slack slacksim.Snapshot) []slacksim.Message {
	out := []slacksim.Message{}
	all := slack.Messages[channel]
	for _, m := range all {
		hasReplies := slices.ContainsFunc(all, func(r slacksim.Message) bool { return r.ThreadTS == m.TS && !r.Deleted })
		if !m.Deleted || hasReplies {
			out = append(out, m)
		}
	}
	for _, m := range slack.Ephemerals {
		if m.EphemeralFor == id && m.Channel == channel && !m.Deleted {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b slacksim.Message) int { return cmp.Compare(a.TS, b.TS) })
	return out
}

package slacksim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Team is the workspace.
type Team struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Domain    string `json:"domain"`
	BotUserID string `json:"bot_user_id"`
	BotName   string `json:"bot_name"`
	AppID     string `json:"app_id"`
	Command   string `json:"command"`
	// Shortcuts of the app.
	Shortcuts []Shortcut `json:"shortcuts"`
}

// Snapshot is the whole workspace at one moment. It shares nothing that changes
// with the server and marshals to JSON without any secret.
type Snapshot struct {
	Version    uint64               `json:"version"` // rises with every change
	Team       Team                 `json:"team"`
	Users      []User               `json:"users"`
	Channels   []Channel            `json:"channels"`
	Usergroups []Usergroup          `json:"usergroups"`
	Messages   map[string][]Message `json:"messages"` // by channel ID
	Ephemerals []Message            `json:"ephemerals"`
	Views      []View               `json:"views"`
	// Notifications are those that Server.Notifications lists.
	Notifications []Notification  `json:"notifications"`
	Sockets       []Socket        `json:"sockets"`
	Deliveries    []DeliveryState `json:"deliveries"` // the last 50
	Switches      []Switch        `json:"switches"`
	// Banner says, line by line, what is out of order right now: no connection, a deaf
	// socket, switches that are on. Empty when all is well.
	Banner []string `json:"banner"`
}

// Snapshot copies the state of the workspace.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshotLocked()
}

func (s *Server) snapshotLocked() Snapshot {
	snap := Snapshot{
		Version: s.version,
		Team: Team{
			ID: s.opts.TeamID, Name: s.opts.TeamName, Domain: s.opts.TeamDomain,
			BotUserID: s.opts.BotUserID, BotName: s.opts.BotName, AppID: s.opts.AppID, Command: s.opts.Command,
			Shortcuts: slices.Clone(s.opts.Shortcuts),
		},
		Users:         []User{},
		Channels:      []Channel{},
		Usergroups:    []Usergroup{},
		Messages:      make(map[string][]Message, len(s.messages)),
		Ephemerals:    copyMessages(s.ephemerals),
		Views:         s.viewsLocked(""),
		Notifications: append([]Notification{}, s.notifications...),
		Sockets:       s.socketsLocked(),
		Deliveries:    s.deliveryStatesLocked(50),
		Switches:      s.switchesLocked(),
		Banner:        []string{},
	}
	for _, u := range s.users {
		snap.Users = append(snap.Users, *u)
	}
	slices.SortFunc(snap.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range s.channels {
		channel := *c
		channel.Members = slices.Clone(c.Members)
		snap.Channels = append(snap.Channels, channel)
	}
	slices.SortFunc(snap.Channels, func(a, b Channel) int { return cmp.Compare(a.ID, b.ID) })
	for _, g := range s.usergroups {
		group := *g
		group.Members = slices.Clone(g.Members)
		snap.Usergroups = append(snap.Usergroups, group)
	}
	slices.SortFunc(snap.Usergroups, func(a, b Usergroup) int { return cmp.Compare(a.ID, b.ID) })
	for id, list := range s.messages {
		snap.Messages[id] = copyMessages(list)
	}
	if len(s.conns) == 0 {
		snap.Banner = append(snap.Banner, "The app has no connection: commands and clicks fail.")
	}
	for _, k := range snap.Sockets {
		if k.Deaf {
			snap.Banner = append(snap.Banner, "A socket is deaf: it stays open, but nothing gets through.")
			break
		}
	}
	for _, sw := range snap.Switches {
		if sw.On {
			snap.Banner = append(snap.Banner, sw.Text)
		}
	}
	return snap
}

// Wait returns nil as soon as ok says so. ok gets the state now and again after
// every change; it runs without the server's lock. When ctx ends first, the error
// says so.
func (s *Server) Wait(ctx context.Context, ok func(*Snapshot) bool) error {
	for {
		s.mu.Lock()
		snap, changed := s.snapshotLocked(), s.changed
		s.mu.Unlock()
		if ok(&snap) {
			return nil
		}
		select {
		case <-changed:
		case <-s.closed:
			return fmt.Errorf("wait for simulated Slack: closed")
		case <-ctx.Done():
			return fmt.Errorf("wait for simulated Slack: %w", context.Cause(ctx))
		}
	}
}

// Subscribe tells of changes: one value stands for any number of them. cancel
// ends it; the channel is not closed.
func (s *Server) Subscribe() (changes <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	s.subscribers[c] = struct{}{}
	s.mu.Unlock()
	return c, func() {
		s.mu.Lock()
		delete(s.subscribers, c)
		s.mu.Unlock()
	}
}

package slacksim

import (
	"slices"
)

// User is a person (or bot) as users.info shows it. TeamID defaults to the
// workspace's own; another one makes the user a member of another organisation.
type User struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	RealName string `json:"real_name"`
	// DisplayName is what the person wants to be called, default Name.
	DisplayName       string `json:"display_name,omitempty"`
	TeamID            string `json:"team_id"`
	Deleted           bool   `json:"deleted"`
	IsBot             bool   `json:"is_bot"`
	IsAppUser         bool   `json:"is_app_user"`
	IsRestricted      bool   `json:"is_restricted"`
	IsUltraRestricted bool   `json:"is_ultra_restricted"`
	IsStranger        bool   `json:"is_stranger"`
	IsConnectorBot    bool   `json:"is_connector_bot"`
	IsWorkflowBot     bool   `json:"is_workflow_bot"`
	IsInvitedUser     bool   `json:"is_invited_user"`
	IsAdmin           bool   `json:"is_admin"`
	// TZ is the person's time zone, default Europe/Amsterdam.
	TZ string `json:"tz,omitempty"`
	// Lingers tells that an open client of somebody deactivated still acts, as when the
	// account goes between a click and the look at it.
	Lingers bool `json:"lingers,omitempty"`
	// Unlisted people act, and users.info does not know them.
	Unlisted bool `json:"unlisted,omitempty"`
}

// gone reports whether a person cannot act any more.
func (u *User) gone() bool { return u.Deleted && !u.Lingers }

// Channel is a conversation. A private channel or direct message is invisible to
// whoever is not among its members, the bot included.
type Channel struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Private   bool     `json:"private"`
	IM        bool     `json:"im"`
	ExtShared bool     `json:"ext_shared"`
	Archived  bool     `json:"archived"`
	Members   []string `json:"members"`
}

// Usergroup is a user group (subteam).
type Usergroup struct {
	ID       string   `json:"id"`
	Handle   string   `json:"handle"`
	Members  []string `json:"members"`
	Disabled bool     `json:"disabled"`
}

func (c *Channel) has(user string) bool { return slices.Contains(c.Members, user) }

// hidden reports whether outsiders cannot even see the channel.
func (c *Channel) hidden() bool { return c.Private || c.IM }

// AddUser adds or replaces a user.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.TeamID == "" {
		u.TeamID = s.opts.TeamID
	}
	if u.Name == "" {
		u.Name = u.ID
	}
	if u.RealName == "" {
		u.RealName = u.Name
	}
	s.users[u.ID] = &u
	s.touchLocked()
}

// UpdateUser replaces a user, as when somebody is deactivated or becomes a guest.
// It sends no user_change event: use Event.
func (s *Server) UpdateUser(u User) { s.AddUser(u) }

// AddChannel adds or replaces a channel. The bot is in it only if its user ID is
// among the members.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Members = slices.Clone(c.Members)
	s.channels[c.ID] = &c
	s.touchLocked()
}

// AddUsergroup adds or replaces a user group. It sends no
// subteam_members_changed event: use Event.
func (s *Server) AddUsergroup(id, handle string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usergroups[id] = &Usergroup{ID: id, Handle: handle, Members: slices.Clone(members)}
	s.touchLocked()
}

// DisableUsergroup disables a group (or enables it again).
func (s *Server) DisableUsergroup(id string, disabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.usergroups[id]; g != nil {
		g.Disabled = disabled
		s.touchLocked()
	}
}

// Join puts a user (or the bot) into a channel.
func (s *Server) Join(channelID, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[channelID]; c != nil && !c.has(userID) {
		c.Members = append(c.Members, userID)
		s.touchLocked()
	}
}

// Leave takes a user (or the bot) out of a channel.
func (s *Server) Leave(channelID, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[channelID]; c != nil {
		c.Members = slices.DeleteFunc(c.Members, func(m string) bool { return m == userID })
		s.touchLocked()
	}
}

// ArchiveChannel archives a channel: no posts, no updates.
func (s *Server) ArchiveChannel(channelID string) { s.setArchived(channelID, true) }

// UnarchiveChannel undoes ArchiveChannel.
func (s *Server) UnarchiveChannel(channelID string) { s.setArchived(channelID, false) }

func (s *Server) setArchived(channelID string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[channelID]; c != nil {
		c.Archived = archived
		s.touchLocked()
	}
}

// directMessageLocked finds or opens the direct message between the bot and a user.
func (s *Server) directMessageLocked(userID string) (c *Channel, existed bool) {
	for _, c := range s.channels {
		if c.IM && c.has(userID) && c.has(s.opts.BotUserID) {
			return c, true
		}
	}
	c = &Channel{ID: s.idLocked("D"), IM: true, Members: []string{userID, s.opts.BotUserID}}
	s.channels[c.ID] = c
	return c, false
}

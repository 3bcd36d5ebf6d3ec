package slacksim

// Where a shortcut of the app stands.
const (
	ShortcutGlobal  = "global"  // in the composer and in search
	ShortcutMessage = "message" // in the menu of a message
)

// Shortcut is one of the app's shortcuts, as the manifest has them.
type Shortcut struct {
	Type       string `json:"type"` // ShortcutGlobal or ShortcutMessage
	Name       string `json:"name"` // at most 24 characters
	CallbackID string `json:"callback_id"`
}

// Shortcut uses a global shortcut, given by its name or callback_id. The Delivery is
// refused where Slack does not offer it: to people of other organisations, and where the
// app has none of that name.
func (s *Server) Shortcut(userID, name string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, name, userID, "")
	shortcut, err := s.shortcutLocked(userID, ShortcutGlobal, name)
	if err != nil {
		return d.refuseLocked(err)
	}
	d.TriggerID = s.newTriggerLocked(userID)
	payload := s.interactionLocked("shortcut", d)
	payload["callback_id"], payload["action_ts"] = shortcut.CallbackID, s.stampLocked()
	s.sendShortcutLocked(d, payload)
	return d
}

// MessageShortcut uses a shortcut on a message that everybody in its channel sees. As in
// Slack, it works also where the bot is not a member, and then hands the app the message
// all the same; the payload says nothing of the person's team.
func (s *Server) MessageShortcut(userID, channelID, messageTS, name string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, name, userID, channelID)
	shortcut, err := s.shortcutLocked(userID, ShortcutMessage, name)
	if err != nil {
		return d.refuseLocked(err)
	}
	c, err := s.clickerLocked(userID, channelID)
	if err != nil {
		return d.refuseLocked(err)
	}
	m := s.findLocked(channelID, messageTS)
	if m == nil {
		return d.refuseLocked(refusedf("no message %s in channel %s", messageTS, channelID))
	}
	d.ResponseURL = s.newHookLocked("actions", d, nil)
	d.TriggerID = s.newTriggerLocked(userID)
	payload := s.interactionLocked("message_action", d)
	payload["user"] = map[string]any{"id": userID, "name": s.users[userID].Name}
	payload["callback_id"], payload["action_ts"] = shortcut.CallbackID, s.stampLocked()
	payload["channel"] = map[string]any{"id": c.ID, "name": slashChannelName(c)}
	payload["message_ts"], payload["message"] = m.TS, s.wireLocked(m)
	payload["response_url"] = d.ResponseURL
	s.sendShortcutLocked(d, payload)
	return d
}

func (s *Server) shortcutLocked(userID, kind, name string) (Shortcut, error) {
	u := s.users[userID]
	switch {
	case u == nil:
		return Shortcut{}, refusedf("no user %s", userID)
	case u.gone():
		return Shortcut{}, refusedf("user %s is deactivated", userID)
	case u.TeamID != s.opts.TeamID:
		return Shortcut{}, refusedf("user %s is of another organisation and cannot see the app's shortcuts", userID)
	case !s.hasScopeLocked("commands"):
		return Shortcut{}, refusedf("the app lacks the scope commands")
	}
	for _, shortcut := range s.opts.Shortcuts {
		if shortcut.Type == kind && (shortcut.Name == name || shortcut.CallbackID == name) {
			return shortcut, nil
		}
	}
	return Shortcut{}, refusedf("the app has no %s shortcut %q", kind, name)
}

func (s *Server) sendShortcutLocked(d *Delivery, payload map[string]any) {
	d.payload = encode(payload)
	d.onLost = func() {
		if d.where != "" {
			s.tellLocked(d.user, d.where, `"`+d.what+`" failed: the app did not answer ("`+string(d.outcome)+`").`)
		}
	}
	d.sendLocked(d.EnvelopeID, 0)
}

// OpenHome opens the app's Home tab as a person, which tells the app by an
// app_home_opened event. The tab shows what the app publishes by views.publish, or has
// published before.
func (s *Server) OpenHome(userID string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindEvent, "app_home_opened", userID, "")
	u := s.users[userID]
	switch {
	case u == nil || u.gone():
		return d.refuseLocked(refusedf("no user %s", userID))
	case u.TeamID != s.opts.TeamID:
		return d.refuseLocked(refusedf("user %s is of another organisation and cannot see the app's Home tab", userID))
	}
	direct, _ := s.directMessageLocked(userID)
	event := map[string]any{
		"type": "app_home_opened", "user": userID, "channel": direct.ID, "tab": "home", "event_ts": s.stampLocked(),
	}
	for _, v := range s.views {
		if v.UserID == userID && v.Type == "home" {
			event["view"] = s.viewObjectLocked(v)
		}
	}
	return s.sendEventLocked(d, "app_home_opened", event, false)
}

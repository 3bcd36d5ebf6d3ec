package sandbox

import (
	"fmt"
	"slices"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// tool is one thing that the page's world tray does to the world.
type tool struct {
	name, group string
	label, text string // what it is called, and what it does, in one line each
	// on reports whether it is so now; nil for what is done once.
	on func(*World) bool
	// idle says why it cannot be done now; nil or "": it can.
	idle func(*World) string
	do   func(w *World, on bool, by deed) error
}

// The world tray's groups, in order.
const (
	groupTraffic  = "Traffic and models"
	groupOthers   = "Other people at Baseten"
	groupSchedule = "Schedules"
	groupSlack    = "Slack"
)

// usual is the demo's load, more than its limit lets the model take.
const usual = 150

func tools() []tool {
	llama, production := basetensim.DemoLlama, "production"
	return []tool{
		{"load", groupTraffic, "Three times the traffic", "llama-70b gets three times the requests. Its replicas follow, up to its max.",
			func(w *World) bool { return w.serving().InFlight > usual }, nil,
			func(w *World, on bool, _ deed) error {
				load := usual
				if on {
					load = 3 * usual
				}
				return w.Baseten.SetLoad(llama, w.serving().ID, load)
			}},
		{"rename", groupTraffic, "llama-70b gets a new name", "It is called llama-70b-chat from now on. Waiting requests were made for the old name.",
			func(w *World) bool { return w.Baseten.Snapshot().Model(llama).Name != "llama-70b" }, nil,
			func(w *World, on bool, _ deed) error {
				name := "llama-70b"
				if on {
					name += "-chat"
				}
				return w.Baseten.RenameModel(llama, name)
			}},
		{"prices", groupTraffic, "Prices unknown", "Baseten's price list is empty. The bot reads it once an hour: restart it, or move the clock.",
			(*World).pricesHidden, nil,
			func(w *World, on bool, _ deed) error { w.hidePrices(on); return nil }},
		{"terraform", groupOthers, "Terraform puts it back", "Writes the settings that each environment began with, with a key of its own.",
			nil, func(w *World) string {
				if len(w.drifted()) == 0 {
					return "Nothing differs from what Terraform has. Change something first."
				}
				return ""
			}, func(w *World, _ bool, _ deed) error { return w.terraform() }},
		{"promotion", groupOthers, "A promotion is under way", "A new deployment of llama-70b is on its way into production. Turn it off to cancel it.",
			(*World).promoting, nil,
			func(w *World, on bool, _ deed) error {
				if on {
					return w.Baseten.StartPromotion(llama, production, w.candidate())
				}
				return w.Baseten.CancelPromotion(llama, production)
			}},
		{"promotion-finish", groupOthers, "Finish the promotion", "The new deployment serves production, with production's settings.",
			nil, func(w *World) string {
				if !w.promoting() {
					return "No promotion is under way."
				}
				return ""
			}, func(w *World, _ bool, _ deed) error { return w.Baseten.FinishPromotion(llama, production) }},
		{"schedule-week", groupSchedule, "Peak hours, now", "A weekly schedule of llama-70b / production is in force: min 3, max 6, for three hours.",
			func(w *World) bool { return w.scheduled("peak") }, nil,
			func(w *World, on bool, _ deed) error { return w.schedule("peak", on) }},
		{"schedule-once", groupSchedule, "A launch, in ten minutes", "A one-time schedule of llama-70b / production: min 4, max 9, for one hour.",
			func(w *World) bool { return w.scheduled("launch") }, nil,
			func(w *World, on bool, _ deed) error { return w.schedule("launch", on) }},
		{"late-mention", groupSlack, "A mention arrives late", "Slack delivers only now what this person typed here three hours ago: @autoscale llama-70b production max=7.",
			nil, nil, func(w *World, _ bool, by deed) error {
				return refused(w.Slack.LateMention(by.As, by.Channel, "", "llama-70b production max=7", 3*time.Hour))
			}},
		{"slack-busy", groupSlack, "Slack is busy", "Posts and edits are refused with 429, and Slack does not say for how long.",
			func(w *World) bool {
				return slices.ContainsFunc(w.Slack.Switches(), func(s slacksim.Switch) bool { return s.Name == bareLimit && s.On })
			}, nil,
			func(w *World, on bool, _ deed) error { return w.Slack.SetSwitch(bareLimit, on) }},
		{"announce-gone", groupSlack, "The alarm channel is archived", "The bot cannot post to the channel where break-glass is announced.",
			func(w *World) bool { return w.archived(w.announce) }, nil,
			func(w *World, on bool, _ deed) error {
				if on {
					w.Slack.ArchiveChannel(w.announce)
				} else {
					w.Slack.UnarchiveChannel(w.announce)
				}
				return nil
			}},
	}
}

const bareLimit = "rate-limited-bare"

// toolState is one tool as the page shows it.
type toolState struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	Label string `json:"label"`
	Text  string `json:"text"`
	On    bool   `json:"on"`
	Once  bool   `json:"once"`
	Idle  string `json:"idle,omitempty"`
}

func (w *World) trayState() []toolState {
	out := []toolState{}
	for _, t := range tools() {
		s := toolState{Name: t.name, Group: t.group, Label: t.label, Text: t.text, Once: t.on == nil}
		if t.on != nil {
			s.On = t.on(w)
		}
		if t.idle != nil {
			s.Idle = t.idle(w)
		}
		out = append(out, s)
	}
	return out
}

// use uses a tool of the world tray.
func (w *World) use(d deed) error {
	for _, t := range tools() {
		if t.name != d.Name {
			continue
		}
		if t.idle != nil && t.idle(w) != "" {
			return problem(t.idle(w))
		}
		if t.on != nil && t.on(w) == d.On {
			return nil
		}
		return t.do(w, d.On, d)
	}
	return problem("The sandbox knows no such thing. Reload the page.")
}

// serving is the deployment that serves the demo's production.
func (w *World) serving() basetensim.DeploymentSnapshot {
	now := w.Baseten.Snapshot()
	return *now.Deployment(basetensim.DemoLlama, now.Environment(basetensim.DemoLlama, "production").Deployment)
}

func (w *World) promoting() bool {
	return w.Baseten.Environment(basetensim.DemoLlama, "production").Candidate != ""
}

// candidate is the deployment to promote next: of two the one that does not serve.
func (w *World) candidate() string {
	if w.serving().ID == basetensim.DemoLlamaCanary {
		return basetensim.DemoLlamaProduction
	}
	return basetensim.DemoLlamaCanary
}

func (w *World) pricesHidden() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.noPrices
}

func (w *World) hidePrices(hidden bool) {
	w.mu.Lock()
	w.noPrices = hidden
	w.mu.Unlock()
	w.Baseten.HidePrices(hidden)
}

// drift is an environment whose settings are not what Terraform has.
type drift struct {
	model, environment string
	want               basetensim.Settings
}

func (w *World) drifted() (out []drift) {
	now := w.Baseten.Snapshot()
	for _, m := range w.began.Models {
		for _, e := range m.Environments {
			if is := now.Environment(m.ID, e.Name); is != nil && !is.Settings.Equal(e.Settings) {
				out = append(out, drift{m.ID, e.Name, e.Settings})
			}
		}
	}
	return out
}

func (w *World) terraform() error {
	for _, d := range w.drifted() {
		if err := w.Baseten.ChangeEnvironmentAs(basetensim.Terraform, d.model, d.environment, d.want.Values()); err != nil {
			return fmt.Errorf("put back %s: %w", d.environment, err)
		}
	}
	return nil
}

func (w *World) scheduled(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.schedules, func(s basetensim.Schedule) bool { return s.ID == id })
}

// schedule adds or removes one of the two schedules of the demo's production.
func (w *World) schedule(id string, on bool) error {
	now := w.Now().UTC().Truncate(time.Minute)
	w.mu.Lock()
	w.schedules = slices.DeleteFunc(slices.Clone(w.schedules), func(s basetensim.Schedule) bool { return s.ID == id })
	switch {
	case on && id == "peak":
		week := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
		w.schedules = append(w.schedules, basetensim.Schedule{
			ID: id, Name: "peak hours", Weekdays: week, StartHour: now.Hour(), StartMinute: now.Minute(),
			EndHour: (now.Hour() + 3) % 24, EndMinute: now.Minute(), Settings: basetensim.Changes{"min_replica": 3, "max_replica": 6},
		})
	case on:
		w.schedules = append(w.schedules, basetensim.Schedule{
			ID: id, Name: "launch", StartAt: now.Add(10 * time.Minute), EndAt: now.Add(70 * time.Minute),
			Settings: basetensim.Changes{"min_replica": 4, "max_replica": 9},
		})
	}
	list := w.schedules
	w.mu.Unlock()
	err := w.Baseten.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{Timezone: "UTC", ByClock: true, List: list})
	w.Baseten.Tick()
	return err
}

// archived reports whether a channel is.
func (w *World) archived(id string) bool {
	return slices.ContainsFunc(w.Slack.Snapshot().Channels, func(c slacksim.Channel) bool { return c.ID == id && c.Archived })
}

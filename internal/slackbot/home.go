package slackbot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

const (
	// publishEvery and publishBurst keep below what views.publish takes: some 100 a
	// minute for the whole workspace.
	publishEvery = 650 * time.Millisecond
	publishBurst = 20
)

// homes are the pages that are being made. Of one person's there is one at a time:
// however often they open it meanwhile, it is made once more.
type homes struct {
	pace *pacer

	mu     sync.Mutex
	making map[string]*making
}

// making is a page under way, and whether it is wanted once more, with what news.
type making struct {
	again bool
	news  view.Message
}

func newHomes() *homes {
	return &homes{pace: newPacer(publishEvery, publishBurst), making: make(map[string]*making)}
}

// homeOpened serves the event of somebody who opens the app's Home tab. Its other tab
// holds messages.
func (b *Bot) homeOpened(d *delivery, eventID string, e *slackevents.AppHomeOpenedEvent) {
	if e.Tab != "home" || e.User == "" {
		d.acknowledge()
		return
	}
	from := asker{delivery: change.Delivery{Key: eventID}, person: authz.Person{ID: e.User}, home: true}
	if !b.admit(d, from, "home", nil) {
		return
	}
	d.read(eventID, func(ctx context.Context) {
		b.cfg.Watch.command("home", "read")
		if err := b.showHome(ctx, from, view.Message{}); err != nil {
			b.cfg.Log.Warn("publish a home", zap.String("user", from.person.ID), zap.Error(err))
		}
	})
}

// showHome publishes a person's page, with what came of what they pressed there on top.
func (b *Bot) showHome(ctx context.Context, from asker, news view.Message) error {
	h := b.homes
	h.mu.Lock()
	if under, ok := h.making[from.person.ID]; ok {
		under.again = true
		if news.Blocks != nil {
			under.news = news
		}
		h.mu.Unlock()
		return nil
	}
	mine := &making{news: news}
	h.making[from.person.ID] = mine
	h.mu.Unlock()
	for {
		err := b.publish(ctx, from.person.ID, b.page(ctx, from, mine.news))
		h.mu.Lock()
		if err != nil || !mine.again {
			delete(h.making, from.person.ID)
			h.mu.Unlock()
			return err
		}
		mine.again = false
		h.mu.Unlock()
	}
}

// page is what a person is shown on their page: the same as by reads, and to nobody else.
func (b *Bot) page(ctx context.Context, from asker, news view.Message) view.Message {
	err := b.changes.MayRead(ctx, &from.person)
	var no *change.Refused
	if errors.As(err, &no) {
		b.note(ctx, from, "home", no.Reason)
		return view.Refused(no, from.person.ID)
	}
	var home change.Home
	var stakes []authz.Stake
	if err == nil {
		home, err = b.changes.Home(ctx, from.person)
	}
	if err == nil {
		var people authz.People
		_, people, err = b.changes.Who(ctx, from.person.ID)
		stakes = b.policy().Stakes(from.person, people)
	}
	if err != nil {
		b.cfg.Log.Error("read a home", zap.String("user", from.person.ID), zap.Error(err))
		return view.Refused(&change.Refused{Reason: change.Reason{Code: change.Broken}}, from.person.ID)
	}
	return view.Home(home, stakes, news, b.cfg.Now())
}

// publish shows a page. It waits where Slack asks to.
func (b *Bot) publish(ctx context.Context, userID string, m view.Message) error {
	const method = "views.publish"
	for tries := 1; ; tries++ {
		if err := b.homes.pace.wait(ctx, 0); err != nil {
			return fmt.Errorf("wait to publish a home: %w", err)
		}
		err := b.slack.api.shown(m, func(m view.Message) error {
			page := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: m.Page()}}
			return b.slack.api.call(ctx, method, func(ctx context.Context, c *slack.Client) error {
				_, err := c.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: userID, View: page})
				return err
			})
		})
		wait, isLimited := limited(err)
		if !isLimited {
			return err
		}
		b.slack.api.watch.retried(method)
		b.homes.pace.hold(wait)
		if tries == limitedTries || !fits(ctx, wait) {
			return err
		}
	}
}

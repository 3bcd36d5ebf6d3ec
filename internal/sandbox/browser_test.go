package sandbox

import (
	"context"
	"errors"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoscalebot/internal/sandbox/pagetest"
)

// browser is the page of a world that has the fake bot in it.
type browser struct {
	*pagetest.Page
	world *World
	// gone lets a bot that was told to stop end; once for each.
	gone chan struct{}
}

func openBrowser(t *testing.T, width, height int64) browser {
	t.Helper()
	w := newWorld(t, WorldOptions{Baseten: demoPace(), Announce: channelAlarms})
	gone := make(chan struct{}, 1)
	server := pageWithBot(t, w, gone)
	waitConnected(t, w)
	return browser{pagetest.Open(t, server.URL, width, height), w, gone}
}

// pageWithBot serves the page of a world whose bot can be stopped from the page.
func pageWithBot(t *testing.T, w *World, gone chan struct{}) *httptest.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changed := newNotices()
	start := func(ctx context.Context, in Surroundings) error {
		err := runFakeBot(ctx, in)
		<-gone
		return err
	}
	p := &page{world: w, bot: newRunner(start, w.surroundings(), func(string) { changed.send() }), ctx: ctx, changed: changed}
	server := httptest.NewServer(p.handler())
	p.bot.Start(ctx)
	t.Cleanup(func() {
		cancel() // ends event streams, which Close would wait for
		close(gone)
		server.Close()
		p.bot.Stop()
	})
	return server
}

const box, threadBox, choose = "#composer", "#thread-composer", "#modal [role=combobox]"

func TestBrowser(t *testing.T) {
	b := openBrowser(t, 1280, 860)
	b.Theme("light")
	b.Shows(".intro", "This is #ml-oncall")
	b.Shoot("1-empty-light")
	b.Sound("first look")

	b.Step(t, "completion", func() {
		b.Run(chromedp.Focus(box), chromedp.SendKeys(box, "/au"), chromedp.KeyEvent(kb.Tab))
		b.Until(`document.querySelector("#composer").value === "/autoscale "`)
		b.Shows(".option", "llama-70b")
		b.Shows(".option", "search/rerank")
		b.Shoot("2-completion")
		b.Run(chromedp.SendKeys(box, "lla"), chromedp.KeyEvent(kb.Tab))
		b.Shows(".option", "production")
		b.Run(chromedp.SendKeys(box, "prod"), chromedp.KeyEvent(kb.Enter))
		b.Shows(".option", "now 4")
		b.Run(chromedp.SendKeys(box, "ma"), chromedp.KeyEvent(kb.Tab), chromedp.SendKeys(box, "12"))
		b.Until(`document.querySelector("#composer").value === "/autoscale llama-70b production max=12"`)
		b.Shows(".options .remark", "now 4")
	})

	b.Step(t, "request, approval and thread", func() {
		b.Run(chromedp.KeyEvent(kb.Enter))
		b.Shows("#messages .b-table td", "12")
		b.Run(chromedp.Focus(box), chromedp.KeyEvent(kb.ArrowUp))
		b.Until(`document.querySelector("#composer").value.includes("max=12")`)
		b.Run(chromedp.KeyEvent(kb.ArrowDown))
		b.Until(`document.querySelector("#composer").value === ""`)
		b.As("Lea")
		b.Shoot("3-card")
		b.Sound("card")
		b.Press("#messages .btn", "Approve")
		b.Shows("#confirm[open]", "sent to Baseten at once")
		b.Shoot("4-confirm")
		b.Press("#confirm .btn", "Not yet")
		b.Gone("#confirm", "Approve")
		b.Press("#messages .btn", "Approve")
		b.Press("#confirm .btn.primary", "Approve")
		b.Shows("#messages", "Approved by @Lea")
		b.Gone("#messages .btn", "Approve")
		b.Press("#messages .thread-link", "2 replies")
		b.Shows("#thread-messages", "In force: max is 12.")
		b.Until(`[...document.querySelectorAll(".model")][0].querySelector(".settings").textContent.includes("max12")`)
		b.Until(`document.querySelector(".model .dot.coming")`)
		b.Shoot("5-thread")
		b.Sound("thread")
		b.Enter(threadBox, "/autoscale status")
		b.Shows("#thread .problem", "Slack takes no slash commands in threads")
		b.Run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#thread-composer").value = ""`))
		b.Enter(threadBox, "@autoscale status llama-70b")
		b.Shows("#thread-messages", "Heard you")
		b.Press("#thread-head button", "")
		b.Gone("#thread", "Thread")
	})

	b.Step(t, "answers for one person", func() {
		b.Enter(box, "/autoscale whoami")
		b.Shows("#messages .private", "Only visible to you")
		b.As("Ben")
		b.Gone("#messages .private", "Only visible to you")
		b.As("Eve")
		b.Gone(".channel", "ml-oncall")
		b.As("Ana")
	})

	b.Step(t, "blocks", func() {
		b.Enter(box, "/autoscale gallery")
		b.Shows("#messages .b-header", "Everything this page draws")
		b.Shows("#messages code", "<script>alert(1)</script>")
		b.Shows("#messages .b-unknown", "task_card")
		b.Shows("#messages .chip", "@oncall")
		b.Shows("#messages .b-section", "2 < 3")
		b.Shoot("6-blocks")
		b.Sound("blocks")
	})

	b.Step(t, "form", func() {
		b.Enter(box, "/autoscale form")
		b.Shows("#modal[open] h2", "Change settings")
		b.Press("#modal .btn", "Ask")
		b.Shows("#modal .problem", "Please fill this in.")
		b.Run(chromedp.SendKeys("#modal input.field", "why"))
		b.Press("#modal .btn", "Ask")
		b.Shows("#modal .problem", "Say a little more.")
		b.Until(`document.querySelector("#modal input.field").value === "why"`)
		b.Shoot("7-form")
		b.Run(chromedp.SendKeys("#modal input.field", "launch day"))
		b.Press("#modal .btn", "Ask")
		b.Shows("#messages", "Form taken")
		b.Until(`!document.querySelector("#modal").open`)
	})

	b.Step(t, "form that fills", func() {
		b.Run(chromedp.Click("#composer-form [aria-label=Shortcuts]"))
		b.Shows("#menu .entry", "Change Autoscaling")
		b.Shoot("7a-shortcuts")
		b.Sound("shortcuts")
		b.Run(chromedp.KeyEvent(kb.Enter))
		b.Shows("#modal[open]", "Chosen: nothing")
		reason := "#modal textarea"
		b.Run(chromedp.SendKeys(reason, "typed before"))
		b.Run(chromedp.Focus(choose), chromedp.SendKeys(choose, "lla"))
		b.Until(`[...document.querySelectorAll("#modal .choice")].map((el) => el.textContent).join() === "llama-70b"`)
		b.Shoot("7b-suggestions")
		b.Sound("suggestions")
		b.Run(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
		b.Shows("#modal .b-section", "Chosen: llama-70b")
		// Drawn anew by the bot's update: what was typed and chosen is there still.
		b.Until(`document.querySelector("#modal [role=combobox]").value === "llama-70b" && document.querySelector("#modal textarea").value === "typed before"`)
		b.Press("#modal .tick", "2 hours")
		b.Press("#modal .tick", "Tell the leads")
		b.Run(chromedp.SetValue("#modal select", "v12"))
		b.Shoot("7c-form")
		b.Press("#modal .btn", "Cancel")
		b.Until(`!document.querySelector("#modal").open`)
	})

	b.Step(t, "message shortcut", func() {
		b.Run(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#messages [aria-label='More actions']")].at(-1).focus()`))
		b.Run(chromedp.KeyEvent(kb.Enter))
		b.Until(`document.activeElement.matches("#menu .entry")`)
		b.Run(chromedp.KeyEvent(kb.Escape))
		b.Until(`document.activeElement.matches("[aria-label='More actions']") && !document.querySelector("#menu:popover-open")`)
		b.Run(chromedp.KeyEvent(kb.Enter))
		b.Press("#menu .entry", "Change Autoscaling")
		b.Shows("#modal[open]", "Chosen: nothing")
		b.Run(chromedp.KeyEvent(kb.Escape))
		b.Until(`!document.querySelector("#modal").open`)
	})

	b.Step(t, "home", func() {
		b.Press(".channel", "autoscale")
		b.Press(".segment", "Home")
		b.Shows("#home .b-header", "Waiting for you")
		b.Until(`document.querySelector("#home svg.emoji[aria-label='hourglass running']")`)
		b.Shoot("7d-home")
		b.Sound("home")
		b.Press("#home .btn", "Look Too")
		b.As("Lea")
		b.Shows("#home", "@Lea")
		b.As("Ana")
		b.Press(".segment", "Messages")
		b.Gone("#home", "Waiting for you")
		b.Press(".channel", "ml-oncall")
		b.Shows("#messages", "Home pressed: second")
	})

	b.Step(t, "world", func() {
		b.Press("#world-button", "World")
		for _, tool := range []string{"Three times the traffic", "llama-70b gets a new name", "Prices unknown", "A promotion is under way", "Peak hours, now", "A launch, in ten minutes", "Slack is busy", "The alarm channel is archived"} {
			b.Press("#world-tray .switch", tool)
			b.Shows("#active-world .fault", tool)
		}
		b.Shows(".model h3", "llama-70b-chat")
		b.Shows(".state", "promotion")
		b.Shows(".target .note", "schedule peak hours")
		b.Shoot("8a-world")
		b.Sound("world")
		b.Press("#world-tray .once", "Finish the promotion")
		b.Shows(".serves", "serves canary")
		b.Press("#world-tray .once", "Terraform puts it back")
		b.Until(`document.querySelector("#world-tray .once[data-key=terraform]").disabled`)
		before := b.Text(`document.querySelector("#clock").textContent`)
		b.Press("#world-tray .btn", "+1 day")
		b.Until(`document.querySelector("#clock").textContent !== ` + strconv.Quote(before))
		b.Shows("#clock", "1 day ahead")
		for b.Text(`String(document.querySelectorAll("#active-world .fault").length)`) != "0" {
			n := b.Text(`String(document.querySelectorAll("#active-world .fault").length)`)
			b.Run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#active-world .fault").click()`))
			b.Until(`String(document.querySelectorAll("#active-world .fault").length) !== ` + strconv.Quote(n))
		}
		b.Press("#world-tray .once", "A mention arrives late")
		b.Press("#world-button", "World")
		b.Shows("#messages", "@autoscale llama-70b production max=7")
	})

	b.Step(t, "notifications", func() {
		b.Press(".beside-tabs .segment", "Notifications")
		b.Shows("#pings .ping[data-why=mention]", "Lea")
		b.Shows("#pings .ping[data-why=edit]", "An edit notifies nobody")
		b.Shows("#pings .ping[data-why=private]", "seen while looking")
		b.Shoot("8b-notifications")
		b.Sound("notifications")
	})

	b.Step(t, "policy", func() {
		b.Press(".beside-tabs .segment", "Policy")
		b.Until(`document.querySelector("#policy-text").value.startsWith("# The sandbox")`)
		b.Until(`document.querySelector("#policy-save").disabled`)
		b.Run(chromedp.SendKeys("#policy-text", "# mine"))
		b.Shoot("8c-policy")
		b.Press("#policy-save", "Save")
		b.Shows(".verdict", "Saved")
		text := b.Text(`document.querySelector("#policy-text").value`)
		b.world.PolicyRead([]byte(text), errors.New("line 3: no such key"))
		b.Shows(".verdict", "Refused")
		b.Shows(".said", "line 3: no such key")
		b.Shoot("8d-refused")
		b.Sound("policy")
		b.Press(".beside-tabs .segment", "Baseten")
	})

	b.Step(t, "faults and the bot", func() {
		b.Press("#faults-button", "Faults")
		b.Press("#fault-tray .switch", "error 500")
		b.Shows("#active-faults .fault", "500")
		b.Shoot("8-faults")
		b.Sound("faults")
		b.Press("#active-faults .fault", "500")
		b.Gone("#active-faults .fault", "500")
		b.Press("#faults-button", "Faults")
		b.Press("#bot-status", "Bot connected")
		b.Press("#bot-tray .btn", "Stop the bot")
		b.Shows("#bot-status", "Bot stopping")
		b.Shows("#bot-tray", "It was told to stop")
		b.Until(`document.querySelector("#bot-tray .btn").disabled`)
		b.gone <- struct{}{}
		b.Shows("#bot-status", "No bot")
		b.Press("#bot-status", "No bot")
		b.Enter(box, "/autoscale status llama-70b")
		b.Shows("#messages .private", "dispatch_failed")
		b.Press("#bot-status", "No bot")
		b.Press("#bot-tray .btn", "Start the bot")
		b.Shows("#bot-status", "Bot connected")
		b.Press("#bot-status", "Bot connected")
	})

	b.Step(t, "invite", func() {
		b.Press(".channel", "random")
		b.Shows("#channel-head", "not in this channel")
		b.Enter(box, "/invite @autoscale")
		b.Gone("#channel-head", "not in this channel")
		b.Press(".channel", "ml-oncall")
	})

	b.Step(t, "dark", func() {
		light := b.Text(`getComputedStyle(document.body).backgroundColor`)
		b.Theme("dark")
		dark := b.Text(`getComputedStyle(document.body).backgroundColor`)
		if light == dark {
			t.Errorf("background is %s in light and dark", light)
		}
		b.Press("#messages .thread-link", "replies")
		b.Shows("#thread-messages", "In force")
		b.Shoot("9-dark")
		b.Sound("dark")
		b.Run(chromedp.Click("#theme"))
		if got := b.Text(`getComputedStyle(document.body).backgroundColor`); got != light {
			t.Errorf("after the toggle the background is %s, want %s", got, light)
		}
		b.Run(chromedp.Click("#theme"))
	})
	b.Quiet()
}

func TestBrowserNarrow(t *testing.T) {
	b := openBrowser(t, 420, 860)
	b.Theme("light")
	wide := `document.documentElement.scrollWidth <= window.innerWidth`
	b.Until(wide)
	b.Shoot("n1-empty-light")
	b.Sound("narrow")
	b.Enter(box, "/autoscale llama-70b production max=12")
	b.Shows("#messages .btn", "Approve")
	b.Shoot("n2-card-light")
	b.Press(".tabs button", "People")
	b.Shows(".side", "team lead")
	b.Shoot("n3-people-light")
	b.Sound("narrow people")
	b.As("Lea")
	b.Press(".tabs button", "Chat")
	b.Press("#messages .btn", "Approve")
	b.Press("#confirm .btn.primary", "Approve")
	b.Press("#messages .thread-link", "replies")
	b.Shows("#thread-messages", "In force")
	b.Theme("dark")
	b.Shoot("n4-thread-dark")
	b.Sound("narrow thread, dark")
	b.Press("#thread-head button", "")
	b.Shows("#channel-head", "ml-oncall")
	b.Shoot("n5-chat-dark")
	for _, pane := range []string{"Policy", "Notifications"} {
		b.Press(".tabs button", pane)
		b.Until(wide)
		b.Sound("narrow " + pane)
		b.Shoot("n-" + pane + "-dark")
	}
	b.Press("#world-button", "World")
	b.Until(wide)
	b.Shoot("n-world-dark")
	b.Sound("narrow world")
	b.Press("#world-button", "World")
	b.Press(".tabs button", "Baseten")
	b.Shows(".model", "whisper-large")
	b.Shoot("n6-baseten-dark")
	b.Sound("narrow Baseten, dark")
	b.Until(wide)
	b.Quiet()
}

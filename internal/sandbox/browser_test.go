package sandbox

import (
	"context"
	"fmt"
	"iter"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a page in Chromium, and what it wrote to its console.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string
	// started: Chromium runs.
	started bool

	mu       sync.Mutex
	problems []string
}

// openBrowser opens the page of a world that has the fake bot in it.
func openBrowser(t *testing.T, width, height int64) *browser {
	t.Helper()
	chromium := findChromium(t)
	w := newWorld(t, WorldOptions{Baseten: demoPace()})
	server := pageWithBot(t, w)
	waitConnected(t, w)

	alloc, cancelAlloc := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
	)
	ctx, cancelTab := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		// Closes Chromium and waits, so that its profile can be removed.
		if err := chromedp.Cancel(ctx); err != nil && ctx.Err() == nil {
			t.Logf("close Chromium: %v", err)
		}
		cancelTab()
		cancelAlloc()
	})
	b := &browser{t: t, ctx: ctx, url: server.URL}
	b.run() // starts Chromium
	console := chromedp.Console(ctx)
	go b.listen(console)
	b.run(chromedp.EmulateViewport(width, height), chromedp.Navigate(server.URL+"/#as=U0ANA"))
	b.until(`document.body.dataset.ready === "true"`)
	return b
}

// pageWithBot serves the page of a world whose bot can be stopped from the page.
func pageWithBot(t *testing.T, w *World) *httptest.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changed := newNotices()
	p := &page{world: w, bot: newRunner(runFakeBot, w.Env(), func(string) { changed.send() }), ctx: ctx, changed: changed}
	server := httptest.NewServer(p.handler())
	p.bot.Start(ctx)
	t.Cleanup(func() {
		cancel() // ends event streams, which Close would wait for
		server.Close()
		p.bot.Stop()
	})
	return server
}

func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const how = "no Chromium found: install it (apt-get install chromium, or brew install --cask chromium) to test the page"
	if os.Getenv("REQUIRE_CHROMIUM") != "" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

// listen gathers everything that a console shows as an error or a warning.
func (b *browser) listen(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range console {
		if err != nil {
			return // The browser has been closed.
		}
		switch m.Type {
		case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
			b.mu.Lock()
			b.problems = append(b.problems, m.String())
			b.mu.Unlock()
		}
	}
}

// quiet asserts that the console has shown nothing.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("the console says: %s", p)
	}
}

// do runs actions within a time that no page should need.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) error {
	if !b.started {
		b.started = true // The context of the first call is the browser's.
		return chromedp.Do(b.ctx, actions...)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.do(actions...); err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatal(err)
	}
}

// until waits for a condition of the page.
func (b *browser) until(js string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[chromedp.Void](js, chromedp.WithPollingTimeout(15*time.Second)))
	if err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("waited for %s: %v\nthe console says: %q", js, err, b.problems)
	}
}

// shows waits until an element that matches the selector holds the text.
func (b *browser) shows(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((el) => el.checkVisibility() && el.textContent.includes(%q))`, selector, text))
}

// gone waits until no visible element that matches the selector holds the text.
func (b *browser) gone(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`![...document.querySelectorAll(%q)].some((el) => el.checkVisibility() && el.textContent.includes(%q))`, selector, text))
}

// press clicks the last visible element that matches and holds the text.
func (b *browser) press(selector, text string) {
	b.t.Helper()
	b.shows(selector, text)
	b.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((el) => el.checkVisibility() && el.textContent.includes(%q)).at(-1).click()`, selector, text)))
}

// enter types a line into a composer and sends it.
func (b *browser) enter(composer, line string) {
	b.t.Helper()
	b.run(chromedp.Focus(composer), chromedp.SendKeys(composer, line))
	// Escape closes what completion offers, so that Enter sends.
	b.run(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Enter))
}

func (b *browser) as(person string) {
	b.t.Helper()
	b.press(".person", person)
	b.until(fmt.Sprintf(`document.querySelector("#people [aria-checked=true]").textContent.includes(%q)`, person))
}

func (b *browser) theme(name string) {
	b.t.Helper()
	b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// shoot writes a screenshot into the directory SHOTS, if that is set.
func (b *browser) shoot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("screenshot %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Log(err)
	}
}

// step is a part of a test with the same page. The steps build on each other: the
// first that fails ends the test.
func (b *browser) step(t *testing.T, name string, f func()) {
	t.Helper()
	ok := t.Run(name, func(t *testing.T) {
		b.t = t
		f()
	})
	b.t = t
	if !ok {
		t.FailNow()
	}
}

func (b *browser) text(js string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](js))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

const box, threadBox = "#composer", "#thread-composer"

func TestBrowser(t *testing.T) {
	b := openBrowser(t, 1280, 860)
	b.theme("light")
	b.shows(".intro", "This is #ml-oncall")
	b.shoot("1-empty-light")

	b.step(t, "completion", func() {
		b.run(chromedp.Focus(box), chromedp.SendKeys(box, "/au"), chromedp.KeyEvent(kb.Tab))
		b.until(`document.querySelector("#composer").value === "/autoscale "`)
		b.shows(".option", "llama-70b")
		b.shows(".option", "search/rerank")
		b.shoot("2-completion")
		b.run(chromedp.SendKeys(box, "lla"), chromedp.KeyEvent(kb.Tab))
		b.shows(".option", "production")
		b.run(chromedp.SendKeys(box, "prod"), chromedp.KeyEvent(kb.Enter))
		b.shows(".option", "now 4")
		b.run(chromedp.SendKeys(box, "ma"), chromedp.KeyEvent(kb.Tab), chromedp.SendKeys(box, "12"))
		b.until(`document.querySelector("#composer").value === "/autoscale llama-70b production max=12"`)
		b.shows(".options .remark", "now 4")
	})

	b.step(t, "request, approval and thread", func() {
		b.run(chromedp.KeyEvent(kb.Enter))
		b.shows("#messages .b-table td", "12")
		b.run(chromedp.Focus(box), chromedp.KeyEvent(kb.ArrowUp))
		b.until(`document.querySelector("#composer").value.includes("max=12")`)
		b.run(chromedp.KeyEvent(kb.ArrowDown))
		b.until(`document.querySelector("#composer").value === ""`)
		b.as("Lea")
		b.shoot("3-card")
		b.press("#messages .btn", "Approve")
		b.shows("#confirm[open]", "sent to Baseten at once")
		b.shoot("4-confirm")
		b.press("#confirm .btn", "Not yet")
		b.gone("#confirm", "Approve")
		b.press("#messages .btn", "Approve")
		b.press("#confirm .btn.primary", "Approve")
		b.shows("#messages", "Approved by @Lea")
		b.gone("#messages .btn", "Approve")
		b.press("#messages .thread-link", "2 replies")
		b.shows("#thread-messages", "In force: max is 12.")
		b.until(`[...document.querySelectorAll(".model")][0].querySelector(".settings").textContent.includes("max12")`)
		b.until(`document.querySelector(".model .dot.coming")`)
		b.shoot("5-thread")
		b.enter(threadBox, "/autoscale status")
		b.shows("#thread .problem", "Slack takes no slash commands in threads")
		b.run(chromedp.Evaluate[chromedp.Void](`document.querySelector("#thread-composer").value = ""`))
		b.enter(threadBox, "@autoscale status llama-70b")
		b.shows("#thread-messages", "Heard you")
		b.press("#thread-head button", "")
		b.gone("#thread", "Thread")
	})

	b.step(t, "answers for one person", func() {
		b.enter(box, "/autoscale whoami")
		b.shows("#messages .private", "Only visible to you")
		b.as("Ben")
		b.gone("#messages .private", "Only visible to you")
		b.as("Eve")
		b.gone(".channel", "ml-oncall")
		b.as("Ana")
	})

	b.step(t, "blocks", func() {
		b.enter(box, "/autoscale gallery")
		b.shows("#messages .b-header", "Everything this page draws")
		b.shows("#messages code", "<script>alert(1)</script>")
		b.shows("#messages .b-unknown", "task_card")
		b.shows("#messages .chip", "@oncall")
		b.shows("#messages .b-section", "2 < 3")
		b.shoot("6-blocks")
	})

	b.step(t, "form", func() {
		b.enter(box, "/autoscale form")
		b.shows("#modal[open] h2", "Change settings")
		b.press("#modal .btn", "Ask")
		b.shows("#modal .problem", "Please fill this in.")
		b.run(chromedp.SendKeys("#modal input.field", "why"))
		b.press("#modal .btn", "Ask")
		b.shows("#modal .problem", "Say a little more.")
		b.shoot("7-form")
		b.run(chromedp.SendKeys("#modal input.field", "launch day"))
		b.press("#modal .btn", "Ask")
		b.shows("#messages", "Form taken")
		b.until(`!document.querySelector("#modal").open`)
	})

	b.step(t, "faults and the bot", func() {
		b.press("#faults-button", "Faults")
		b.press("#fault-tray .switch", "error 500")
		b.shows("#active-faults .fault", "500")
		b.shoot("8-faults")
		b.press("#active-faults .fault", "500")
		b.gone("#active-faults .fault", "500")
		b.press("#faults-button", "Faults")
		b.press("#bot-status", "Bot connected")
		b.press("#bot-tray .btn", "Stop the bot")
		b.shows("#bot-status", "No bot")
		b.press("#bot-status", "No bot")
		b.enter(box, "/autoscale status llama-70b")
		b.shows("#messages .private", "dispatch_failed")
		b.press("#bot-status", "No bot")
		b.press("#bot-tray .btn", "Start the bot")
		b.shows("#bot-status", "Bot connected")
		b.press("#bot-status", "Bot connected")
	})

	b.step(t, "invite", func() {
		b.press(".channel", "random")
		b.shows("#channel-head", "not in this channel")
		b.enter(box, "/invite @autoscale")
		b.gone("#channel-head", "not in this channel")
		b.press(".channel", "ml-oncall")
	})

	b.step(t, "dark", func() {
		light := b.text(`getComputedStyle(document.body).backgroundColor`)
		b.theme("dark")
		dark := b.text(`getComputedStyle(document.body).backgroundColor`)
		if light == dark {
			b.t.Errorf("background is %s in light and dark", light)
		}
		b.press("#messages .thread-link", "replies")
		b.shows("#thread-messages", "In force")
		b.shoot("9-dark")
		b.run(chromedp.Click("#theme"))
		if got := b.text(`getComputedStyle(document.body).backgroundColor`); got != light {
			b.t.Errorf("after the toggle the background is %s, want %s", got, light)
		}
		b.run(chromedp.Click("#theme"))
	})
	b.quiet()
}

func TestBrowserNarrow(t *testing.T) {
	b := openBrowser(t, 420, 860)
	b.theme("light")
	wide := `document.documentElement.scrollWidth <= window.innerWidth`
	b.until(wide)
	b.shoot("n1-empty-light")
	b.enter(box, "/autoscale llama-70b production max=12")
	b.shows("#messages .btn", "Approve")
	b.shoot("n2-card-light")
	b.press(".tabs button", "People")
	b.shows(".side", "team lead")
	b.shoot("n3-people-light")
	b.as("Lea")
	b.press(".tabs button", "Chat")
	b.press("#messages .btn", "Approve")
	b.press("#confirm .btn.primary", "Approve")
	b.press("#messages .thread-link", "replies")
	b.shows("#thread-messages", "In force")
	b.theme("dark")
	b.shoot("n4-thread-dark")
	b.press("#thread-head button", "")
	b.shows("#channel-head", "ml-oncall")
	b.shoot("n5-chat-dark")
	b.press(".tabs button", "Baseten")
	b.shows(".model", "whisper-large")
	b.shoot("n6-baseten-dark")
	b.until(wide)
	b.quiet()
}

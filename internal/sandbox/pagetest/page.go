// Package pagetest drives the sandbox's page in a real Chromium, for tests of the
// page and of what bots show on it.
//
// With SHOTS=directory it writes screenshots there: of whatever a test shoots, and
// of the page as it was when a test failed. It knows the page and no bot.
package pagetest

import (
	"context"
	"fmt"
	"iter"
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

// Page is the sandbox's page in Chromium, and what it wrote to its console.
type Page struct {
	t   *testing.T
	ctx context.Context
	// started: Chromium runs.
	started bool

	mu       sync.Mutex
	problems []string
}

// Open opens url in a new Chromium, as Ana, and waits until the page is drawn. It
// skips the test where no Chromium is installed, unless REQUIRE_CHROMIUM is set.
func Open(t *testing.T, url string, width, height int64) *Page {
	t.Helper()
	chromium := findChromium(t)
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
	p := &Page{t: t, ctx: ctx}
	p.Run() // starts Chromium
	console := chromedp.Console(ctx)
	go p.listen(console)
	p.Run(chromedp.EmulateViewport(width, height), chromedp.Navigate(url+"/#as=U0ANA"))
	p.Until(`document.body.dataset.ready === "true"`)
	return p
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
func (p *Page) listen(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range console {
		if err != nil {
			return // The browser has been closed.
		}
		switch m.Type {
		case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
			p.mu.Lock()
			p.problems = append(p.problems, m.String())
			p.mu.Unlock()
		default: // what it logs is nobody's concern
		}
	}
}

// Quiet asserts that the console has shown nothing.
func (p *Page) Quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Errorf("the console says: %s", problem)
	}
}

// do runs actions within a time that no page should need.
func (p *Page) do(actions ...chromedp.Action[chromedp.Void]) error {
	if !p.started {
		p.started = true // The context of the first call is the browser's.
		return chromedp.Do(p.ctx, actions...)
	}
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Run runs actions, of which none may take longer than twenty seconds.
func (p *Page) Run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := p.do(actions...); err != nil {
		p.Shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
		p.t.Fatal(err)
	}
}

// Until waits for a condition of the page.
func (p *Page) Until(js string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[chromedp.Void](js, chromedp.WithPollingTimeout(15*time.Second)))
	if err != nil {
		p.Shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
		p.t.Fatalf("waited for %s: %v\nthe console says: %q", js, err, p.problems)
	}
}

// Shows waits until an element that matches the selector holds the text.
func (p *Page) Shows(selector, text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((el) => el.checkVisibility() && el.textContent.includes(%q))`, selector, text))
}

// Gone waits until no visible element that matches the selector holds the text.
func (p *Page) Gone(selector, text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf(`![...document.querySelectorAll(%q)].some((el) => el.checkVisibility() && el.textContent.includes(%q))`, selector, text))
}

// Press clicks the last visible element that matches and holds the text.
func (p *Page) Press(selector, text string) {
	p.t.Helper()
	p.Shows(selector, text)
	p.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((el) => el.checkVisibility() && el.textContent.includes(%q)).at(-1).click()`, selector, text)))
}

// Enter types a line into a composer and sends it.
func (p *Page) Enter(composer, line string) {
	p.t.Helper()
	p.Run(chromedp.Focus(composer), chromedp.SendKeys(composer, line))
	// Escape closes what completion offers, so that Enter sends.
	p.Run(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Enter))
}

// As acts as another person, by first name.
func (p *Page) As(person string) {
	p.t.Helper()
	p.Press(".person", person)
	p.Until(fmt.Sprintf(`document.querySelector("#people [aria-checked=true]").textContent.includes(%q)`, person))
}

// Theme makes the system ask for light or dark colours, and for little motion.
func (p *Page) Theme(name string) {
	p.t.Helper()
	p.Run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// Shoot writes a screenshot into the directory SHOTS, if that is set.
func (p *Page) Shoot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("screenshot %s: %v", name, err)
		return
	}
	file := filepath.Join(dir, filepath.Base(name)+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil { //nolint:gosec // the directory is the developer's choice
		p.t.Log(err)
	}
}

// PictureThread writes a picture of the open thread, and of nothing else, to a file:
// width pixels wide, and as high as the thread.
func (p *Page) PictureThread(file string, width int64) {
	p.t.Helper()
	const scale = 1.25
	across := int64(float64(width) / scale)
	p.Run(chromedp.EmulateViewport(across, 800))
	// In a narrow window the thread is alone; what is around it is put away.
	p.Run(chromedp.Evaluate[chromedp.Void](`for (const el of document.querySelectorAll(".strip, .tabs, .tools, .thread .composer, #thread-head button")) el.style.display = "none"`))
	high, err := chromedp.Run(p.ctx, chromedp.Evaluate[int64](
		`Math.ceil(document.querySelector("#thread-head").offsetHeight + document.querySelector("#thread-messages").offsetHeight)`))
	if err != nil {
		p.t.Fatal(err)
	}
	p.Run(chromedp.EmulateViewport(across, high, chromedp.EmulateScale(scale)))
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// PictureOf writes a picture of one element, and of nothing else, to a file.
func (p *Page) PictureOf(selector, file string) {
	p.t.Helper()
	const scale = 1.5
	png, err := chromedp.Run(p.ctx, chromedp.ScreenshotScale(selector, scale))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Step is a part of a test with the same page. The steps build on each other: the
// first that fails ends the test.
func (p *Page) Step(t *testing.T, name string, f func()) {
	t.Helper()
	ok := t.Run(name, func(t *testing.T) {
		p.t = t
		f()
	})
	p.t = t
	if !ok {
		t.FailNow()
	}
}

// Text evaluates an expression to a string.
func (p *Page) Text(js string) string {
	p.t.Helper()
	s, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](js))
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

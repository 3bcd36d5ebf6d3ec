// Package view makes words for people: what cards, replies, private answers, lists
// and forms say, and what a terminal or a CSV file says of the same facts.
//
// It is pure. Its input are facts: a request of package change, a reason or a note
// as a code with its data, a cause of package authz. Its output are Slack's blocks
// and plain texts. It makes no call, reads no clock, and refuses to know what will
// become of a message: whether Slack takes it, when it is edited, who may press.
//
// # How a text is made
//
// A sentence is prose: a list of pieces. A string in it is literal, whoever wrote
// it; only a person, a channel, a moment and a link are alive in Slack, and those
// are made from IDs, times and addresses, never found in a text. Blocks show prose
// as rich text, where nothing else can come alive. The message's plain text, which
// notifications and screen readers use, is the same prose, escaped once.
//
// Names that Baseten or a person gave go through name, which shows what no reader
// would see: zero-width, bidirectional, tag and control characters.
//
// # Fixed words
//
// People and tests search for three: a refusal says "not allowed", a failure
// "failed", an unknown name "not found". Baseten's status and message are shown as
// they came. A text never says that nothing was changed where that is not known.
package view

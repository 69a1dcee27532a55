package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// options are what begins with dashes. They may stand wherever an object, operation or keyword may.
type options struct {
	dir     string        // "" = the environment or the default
	json    bool          // print for programs
	timeout time.Duration // 0 = that of the operation
}

// given is a keyword with its value.
type given struct {
	k     *keyword
	value string
}

// usageError asks for a text to be printed, not for an error message.
type usageError struct {
	text string
	code int
}

func (e *usageError) Error() string { return e.text }

// unknownError is an object or an operation that does not exist.
type unknownError struct {
	word, try string
	accepted  []string
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("%q is unknown, try %q; accepted are %s.", e.word, e.try, strings.Join(e.accepted, ", "))
}

// helpWords ask for help where a keyword or operation could stand.
var helpWords = []string{"help", "--help", "-h"}

// parse reads a command line. The call is returned also with an error, as far as it goes.
func parse(args []string) (*call, error) {
	c := &call{}
	if len(args) == 0 {
		return c, &usageError{usage(), codeUsage}
	}
	args, err := c.options(args)
	if err != nil {
		return c, err
	}
	if len(args) == 0 {
		return c, &usageError{usage(), codeUsage}
	}
	if slices.Contains(helpWords[1:], args[0]) {
		return c, &usageError{usage(), codeOK}
	}
	o := findObject(args[0])
	if o == nil {
		return c, &unknownError{args[0], "irm help", objectWords()}
	}
	if c.cmd = o.alone; c.cmd == nil {
		return c.operation(o, args[1:])
	}
	return c, c.arguments(args[1:])
}

// operation reads what follows an object.
func (c *call) operation(o *object, args []string) (*call, error) {
	args, err := c.options(args)
	switch {
	case err != nil:
		return c, err
	case len(args) == 0:
		return c, &usageError{objectUsage(o), codeFailed}
	case slices.Contains(helpWords[1:], args[0]):
		return c, &usageError{objectUsage(o), codeOK}
	}
	c.cmd = o.findCommand(args[0])
	switch {
	case c.cmd == nil:
		return c, &unknownError{args[0], "irm " + o.word + " help", o.words()}
	case c.cmd.run == nil:
		return c, &usageError{objectUsage(o), codeOK}
	}
	return c, c.arguments(args[1:])
}

// options takes the options from the front.
func (c *call) options(args []string) ([]string, error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "--") && args[0] != "--" && args[0] != "--help" {
		name, value, inline := strings.Cut(args[0], "=")
		args = args[1:]
		switch name {
		case "--json", "--version":
			if inline {
				return nil, fmt.Errorf("%s takes no value", name)
			}
			if name == "--version" {
				return nil, &usageError{"Ouroboros version " + version() + "\n", codeOK}
			}
			c.opts.json = true
			continue
		case "--dir", "--timeout":
		default:
			return nil, fmt.Errorf("%q is unknown; accepted are --dir DIRECTORY, --json, --timeout TIME, --version, --help", name)
		}
		if !inline {
			if len(args) == 0 {
				return nil, fmt.Errorf("%s needs a value", name)
			}
			value, args = args[0], args[1:]
		}
		if err := c.option(name, value); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func (c *call) option(name, value string) (err error) {
	if name == "--dir" {
		c.opts.dir = value
		if value == "" {
			return fmt.Errorf("--dir: %q, accepted is a directory", value)
		}
		return nil
	}
	c.opts.timeout, err = time.ParseDuration(value)
	if err != nil || c.opts.timeout <= 0 {
		return fmt.Errorf("--timeout: %q, accepted is a time above 0, such as 500ms or 30s", value)
	}
	return nil
}

// arguments reads what follows an operation.
func (c *call) arguments(args []string) error {
	args, err := c.options(args)
	if err != nil {
		return err
	}
	if len(args) > 0 && (slices.Contains(helpWords[1:], args[0]) || args[0] == helpWords[0] && c.cmd.subject == nil) {
		return &usageError{commandUsage(c.cmd), codeOK}
	}
	args, err = c.takeSubject(args)
	for err == nil && len(args) > 0 {
		if args[0] == "--" && c.cmd.rest != "" {
			c.rest = args[1:]
			break
		}
		if args, err = c.options(args); err == nil && len(args) > 0 {
			args, err = c.keyword(args)
		}
	}
	if err != nil {
		return err
	}
	return c.whole()
}

// takeSubject takes the subject from the front. One that is optional is left out where a keyword stands, spelled out.
func (c *call) takeSubject(args []string) ([]string, error) {
	s := c.cmd.subject
	switch {
	case s == nil:
		return args, nil
	case len(args) == 0 && s.optional:
		return args, nil
	case len(args) == 0:
		return nil, fmt.Errorf("%s is missing: %s", s.value, synopsis(c.cmd))
	case s.optional && slices.Contains(c.cmd.keywordWords(), args[0]):
		return args, nil
	}
	if len(s.words) > 0 && !slices.Contains(s.words, args[0]) {
		return nil, fmt.Errorf("%q, accepted are %s", args[0], strings.Join(s.words, ", "))
	}
	if args[0] == "" {
		return nil, fmt.Errorf("%s is empty: %s", s.value, synopsis(c.cmd))
	}
	c.subject = args[0]
	return args[1:], nil
}

// keyword takes a keyword and its value from the front.
func (c *call) keyword(args []string) ([]string, error) {
	k := c.cmd.find(args[0])
	if k == nil {
		return nil, c.unknown(args[0])
	}
	if n := len(c.all(k.word)); n > max(k.many-1, 0) {
		if k.many > 1 {
			return nil, fmt.Errorf("%s stands more than %d times", k.word, k.many)
		}
		return nil, fmt.Errorf("%s stands twice", k.word)
	}
	if k.value == "" {
		c.given = append(c.given, given{k, "true"})
		return args[1:], nil
	}
	if len(args) < 2 {
		return nil, fmt.Errorf("%s needs a value: %s", k.word, synopsis(c.cmd))
	}
	v, err := k.check(args[1])
	if err != nil {
		return nil, err
	}
	c.given = append(c.given, given{k, v})
	return args[2:], nil
}

func (c *call) unknown(word string) error {
	accepted := strings.Join(c.cmd.keywordWords(), ", ")
	if accepted == "" {
		accepted = "nothing more"
	}
	if c.cmd.rest != "" {
		accepted += ", --"
	}
	return fmt.Errorf("%q is unknown, try %q; accepted are %s", word, c.cmd.name()+" --help", accepted)
}

// check returns the value that was written, spelled out.
func (k *keyword) check(v string) (string, error) {
	if v == "" {
		return "", fmt.Errorf("%s: the value is empty", k.word)
	}
	if len(k.words) == 0 || k.free || slices.Contains(k.words, v) {
		return v, nil
	}
	if k.short {
		if i := slices.IndexFunc(k.words, func(w string) bool { return begins(w, v) }); i >= 0 {
			return k.words[i], nil
		}
	}
	return "", fmt.Errorf("%s: %q, accepted are %s", k.word, v, strings.Join(k.words, ", "))
}

// whole reports what is missing.
func (c *call) whole() error {
	for _, k := range c.cmd.keywords {
		if k.required && !c.has(k.word) {
			return fmt.Errorf("%s is missing: %s", k.word, synopsis(c.cmd))
		}
	}
	if len(c.cmd.anyOf) > 0 && !slices.ContainsFunc(c.cmd.anyOf, c.has) {
		return fmt.Errorf("%s is missing: %s", strings.Join(c.cmd.anyOf, " or "), synopsis(c.cmd))
	}
	return nil
}

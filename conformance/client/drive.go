package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// limit is the time that a call may take, whatever the suite asks for.
const limit = 30 * time.Second

// An event is a line of rpcctl's "-o events".
type event struct {
	Event    string              `json:"event"`
	Ms       float64             `json:"ms"`
	Index    int                 `json:"index"`
	Metadata map[string][]string `json:"metadata"`
	Message  json.RawMessage     `json:"message"` // of a message; of a status, its text
	Code     *int                `json:"code"`
	Details  []struct {
		Type  string `json:"type"`
		Value []byte `json:"value"`
	} `json:"details"`
}

// A driver runs rpcctl once: it writes requests, sends the signal that cancels, and
// reads what happens.
type driver struct {
	request *request
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stderr  bytes.Buffer
	events  []event
	lines   chan event
	bad     error // of the reader; set when lines is closed
}

// drive performs a call and returns its events.
func drive(ctx context.Context, rpcctl string, args []string, r *request) (*driver, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	d := &driver{request: r, cmd: exec.CommandContext(ctx, rpcctl, args...), lines: make(chan event)}
	d.cmd.Stderr = &d.stderr
	var err error
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return d, err
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		return d, err
	}
	if err := d.cmd.Start(); err != nil {
		return d, err
	}
	go d.read(stdout)
	err = d.converse()
	d.await(func(event) bool { return false }) // the rest
	_ = d.stdin.Close()                        // rpcctl may have ended before
	werr := d.cmd.Wait()
	if ctx.Err() != nil {
		return d, fmt.Errorf("it did not end within %v", limit)
	}
	if exit := new(exec.ExitError); werr != nil && !errors.As(werr, &exit) {
		err = errors.Join(err, werr)
	}
	return d, errors.Join(err, d.bad)
}

func (d *driver) read(stdout io.Reader) {
	defer close(d.lines)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			d.bad = fmt.Errorf("a line is no event: %q", lines.Text())
			continue
		}
		d.lines <- e
	}
	d.bad = errors.Join(d.bad, lines.Err())
}

// await takes events until one is the one that is waited for. It is false when they
// ended before.
func (d *driver) await(found func(event) bool) bool {
	for e := range d.lines {
		d.events = append(d.events, e)
		if found(e) {
			return true
		}
	}
	return false
}

// nth waits for event number n of a kind, from 0.
func (d *driver) nth(kind string, n int) bool {
	count := 0
	for _, e := range d.events {
		if e.Event == kind {
			count++
		}
	}
	for ; count <= n; count++ {
		if !d.await(func(e event) bool { return e.Event == kind }) {
			return false
		}
	}
	return true
}

// converse sends the requests at the pace that the suite asks for, and cancels.
func (d *driver) converse() error {
	r := d.request
	messages, err := r.messages()
	if err != nil {
		return err
	}
	for i, m := range messages {
		time.Sleep(time.Duration(r.RequestDelayMs) * time.Millisecond)
		if _, err := d.stdin.Write(m); err != nil {
			break // the call has ended: its status says why
		}
		if r.StreamType == fullDuplex {
			if !d.nth("message", i) {
				return nil
			}
			if r.Cancel != nil && r.Cancel.AfterNumResponses != nil && *r.Cancel.AfterNumResponses == i+1 {
				return d.interrupt()
			}
		}
	}
	if r.Cancel != nil && r.Cancel.BeforeCloseSend != nil {
		if len(messages) > 0 && !d.nth("sent", len(messages)-1) {
			return nil
		}
		return d.interrupt()
	}
	if err := d.stdin.Close(); err != nil {
		return err
	}
	switch c := r.Cancel; {
	case c == nil:
		return nil
	case c.AfterCloseSendMs != nil:
		if !d.nth("half-close", 0) {
			return nil
		}
		time.Sleep(time.Duration(*c.AfterCloseSendMs) * time.Millisecond)
	case c.AfterNumResponses != nil && *c.AfterNumResponses > 0:
		if !d.nth("message", *c.AfterNumResponses-1) {
			return nil
		}
	}
	return d.interrupt()
}

func (d *driver) interrupt() error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

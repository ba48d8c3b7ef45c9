package cmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/pflag"
)

// authFlags say who calls. None of them takes a secret: they tell where it is.
type authFlags struct {
	bearerFile, bearerEnv, command   given
	basic, passwordFile, passwordEnv given
	netrc                            bool
	plaintext                        bool // secrets may go to another machine unencrypted

	asked askedPassword // for basic
}

// given is a text that is not empty when its flag is there: one that a script fills in
// with nothing would otherwise be a call without a credential.
type given string

// String returns the text.
func (g *given) String() string { return string(*g) }

// Type is the kind of value, for help.
func (g *given) Type() string { return "string" }

// Set takes the text.
func (g *given) Set(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	*g = given(s)
	return nil
}

// credentialFlags are the flags of which one at most may be given.
var credentialFlags = []string{"bearer-file", "bearer-env", "basic", "netrc", "auth-command"}

func addAuthFlags(f *pflag.FlagSet, o *authFlags) {
	o.asked.asking = make(chan struct{}, 1)
	f.Var(&o.bearerFile, "bearer-file", "send the token in `FILE` as authorization: Bearer")
	f.Var(&o.bearerEnv, "bearer-env", "send the token in the environment variable `NAME`")
	f.Var(&o.basic, "basic", "authorization: Basic for `USER`; without the two flags below the terminal is asked")
	f.Var(&o.passwordFile, "password-file", "`FILE` with the password for --basic")
	f.Var(&o.passwordEnv, "password-env", "environment variable `NAME` with the password for --basic")
	f.BoolVar(&o.netrc, "netrc", false, "user and password from ~/.netrc, or the file that NETRC names")
	f.Var(&o.command, "auth-command", "send the token that `COMMAND` prints; it is run again when the server refuses the token")
	f.BoolVar(&o.plaintext, "plaintext-credentials", false, "send credentials to another machine even without TLS")
}

// chosen returns which of credentialFlags are given.
func (o *authFlags) chosen() []string {
	var names []string
	for i, is := range []bool{o.bearerFile != "", o.bearerEnv != "", o.basic != "", o.netrc, o.command != ""} {
		if is {
			names = append(names, credentialFlags[i])
		}
	}
	return names
}

// check finds what is wrong with the flags together.
func (o *authFlags) check() error {
	chosen := o.chosen()
	switch {
	case len(chosen) > 1:
		return problem.Usage(fmt.Errorf("--%s and --%s both say who calls", chosen[0], chosen[1]), "")
	case o.basic == "" && (o.passwordFile != "" || o.passwordEnv != ""):
		return problem.Usage(errors.New("a password needs a user"), "--basic USER")
	case o.passwordFile != "" && o.passwordEnv != "":
		return problem.Usage(errors.New("--password-file and --password-env both name the password"), "")
	}
	return nil
}

// authorization returns the value of the header authorization for a target: "" for
// none, and session.Later where a program or a person has to be asked.
func (o *authFlags) authorization(ctx context.Context, env *env.Env, t *invoke.Target) (value string, err error) {
	defer func() {
		if value != session.Later {
			env.Secrets.Add(value)
		}
	}()
	switch {
	case o.bearerFile != "":
		token, err := readSecret(ctx, string(o.bearerFile))
		if err != nil {
			return "", problem.FlagFile("--bearer-file", err)
		}
		return bearer("--bearer-file", token)
	case o.bearerEnv != "":
		token, err := variable(env, "--bearer-env", o.bearerEnv)
		if err != nil {
			return "", err
		}
		return bearer("--bearer-env", token)
	case o.basic != "":
		return o.basicAuth(ctx, env)
	case o.netrc:
		return netrcAuth(ctx, env, t)
	case o.command != "":
		return session.Later, program.MayStart(env, "auth-command", string(o.command))
	}
	return "", nil
}

// authorizer returns what asks for the credential that authorization left for later,
// for a target. A program is run for each target, and told which; a person is asked
// once for all targets of a command line.
func (o *authFlags) authorizer(env *env.Env, t *invoke.Target) func(ctx context.Context, fresh bool) (string, error) {
	return func(ctx context.Context, _ bool) (value string, err error) {
		if o.command != "" {
			token, rerr := program.PrintedToken(ctx, env, string(o.command), t)
			if rerr != nil {
				return "", fmt.Errorf("--auth-command: %w", rerr)
			}
			value, err = bearer("--auth-command", token)
		} else {
			value, err = o.asked.basic(ctx, env, string(o.basic))
		}
		env.Secrets.Add(value)
		return value, err
	}
}

// An askedPassword is a password that a person was asked for. It is used by the calls to
// several targets at once.
type askedPassword struct {
	asking chan struct{} // held by the one who asks
	asked  bool
	value  string
	err    error // of a person who does not want to say it
}

// basic returns the value for a user, whose password the first call asks for. The
// others wait, as long as their own calls last.
func (p *askedPassword) basic(ctx context.Context, env *env.Env, user string) (string, error) {
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if !p.asked {
		p.value, p.err = askPassword(ctx, env, fmt.Sprintf("password of %s: ", user))
		p.asked = p.err == nil || ctx.Err() == nil
	}
	if p.err != nil {
		return "", p.err
	}
	return basic(user, p.value), nil
}

// basicAuth is the value for --basic.
func (o *authFlags) basicAuth(ctx context.Context, env *env.Env) (string, error) {
	if strings.ContainsAny(string(o.basic), ":\r\n") {
		return "", problem.Usage(errors.New("--basic: a user has no colon (RFC 7617); the password goes elsewhere"),
			"--password-file FILE or --password-env NAME")
	}
	switch {
	case o.passwordFile != "":
		password, err := readSecret(ctx, string(o.passwordFile))
		if err != nil {
			return "", problem.FlagFile("--password-file", err)
		}
		return basic(string(o.basic), password), nil
	case o.passwordEnv != "":
		password, err := variable(env, "--password-env", o.passwordEnv)
		if err != nil {
			return "", err
		}
		return basic(string(o.basic), password), nil
	}
	return session.Later, nil
}

// basic is the value of authorization for a user and a password (RFC 7617).
func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// bearer is the value of authorization for a token. A token that names its scheme
// itself, as "Bearer x" does, is the whole value.
func bearer(from, token string) (string, error) {
	token = strings.TrimSpace(token)
	switch {
	case token == "":
		return "", problem.Usage(fmt.Errorf("%s: no token", from), "")
	case !printable(token):
		return "", problem.Usage(fmt.Errorf("%s: the token is not one line of printable ASCII", from), "")
	case strings.HasPrefix(token, "{"):
		return "", problem.Usage(fmt.Errorf("%s: that is JSON, and not a token", from), "take the token out of it, as jq -r .access_token does")
	case strings.Contains(token, " "):
		return token, nil
	}
	return "Bearer " + token, nil
}

// maxSecret bounds a file with a secret, in bytes.
const maxSecret = 64 << 10

// readSecret reads a secret from a file, without the line feed at its end.
func readSecret(ctx context.Context, path string) (string, error) {
	b, err := boundfile.Read(ctx, path, maxSecret)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// variable returns a variable of the environment, by the name that a flag has for it.
func variable(env *env.Env, flag string, name given) (string, error) {
	if !isVariable(string(name)) {
		return "", problem.Usage(errNotVariable(flag), "give the name, and keep the secret in the variable")
	}
	value, ok := env.LookupEnv(string(name))
	if !ok {
		return "", problem.Usage(fmt.Errorf("%s: the environment has no variable %q", flag, name), "")
	}
	return value, nil
}

// isVariable reports whether a text can be the name of a variable, and not the secret itself.
func isVariable(name string) bool {
	return !strings.ContainsAny(name, " \t\r\n=") && !secret.Value(name)
}

// errNotVariable is the error of a setting. What it has may be a secret, and is not shown.
func errNotVariable(setting string) error {
	return fmt.Errorf("%s: this is not the name of a variable", setting)
}

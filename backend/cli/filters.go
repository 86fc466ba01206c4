package cli

import "github.com/spf13/cobra"

// filters are the flags that search and live have in common.
type filters struct {
	dst, src, account, uid, port, sport, rule string
}

// bind gives a command the flags.
func (f *filters) bind(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.dst, "dst", "", "connections to `ADDRESS` or network, as 203.0.113.0/24")
	c.Flags().StringVar(&f.src, "src", "", "connections from our `ADDRESS` or network")
	c.Flags().StringVar(&f.account, "account", "", "login `NAME` at the time, of an account or a system user")
	c.Flags().StringVar(&f.uid, "uid", "", "`UID` of the process that connected")
	c.Flags().StringVar(&f.port, "port", "", "`PORT` connected to")
	c.Flags().StringVar(&f.sport, "sport", "", "our own `PORT`")
	c.Flags().StringVar(&f.rule, "rule", "", "`LABEL` of the rule that recorded it, as 22 or 80:443")
}

// into adds what was typed to the request.
func (f *filters) into(t *typed) {
	t.target("dst", f.dst)
	t.target("src", f.src)
	t.account("--account", f.account)
	t.uid("uid", f.uid)
	t.port("port", f.port)
	t.port("sport", f.sport)
	t.text("rule", f.rule)
}

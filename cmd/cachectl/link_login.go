package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
)

// linkLogin is what the flags say of how a link logs in, and where its address comes from.
type linkLogin struct {
	passwordFrom string // name of an environment variable
	user, dbUser string
	iam          bool
}

// passwordHint is how to hand a password over. Somebody may have written the password itself into the flag, so
// nothing that complains repeats the flag's value.
const passwordHint = "put the password into a variable, and give the variable's name: " +
	"read -rs DW_PASSWORD; export DW_PASSWORD; cachectl link "

// apply completes the link by the one way to log in that the flags name, or says what they lack or contradict.
func (o linkLogin) apply(l *catalog.Link) error {
	var ways []string
	add := func(given bool, way string, kind catalog.Credentials) {
		if given {
			ways, l.Credentials = append(ways, way), kind
		}
	}
	add(o.passwordFrom != "", "--password-env", catalog.PasswordCredentials)
	add(o.dbUser != "", "--db-user", catalog.ClusterCredentials)
	add(o.iam, "--iam", catalog.ClusterIAMCredentials)
	add(l.Secret != "", "--secret", catalog.SecretCredentials)
	if len(ways) == 0 || slices.Contains(ways, "--db-user") || slices.Contains(ways, "--iam") {
		add(l.Workgroup != "", "--workgroup", catalog.WorkgroupCredentials)
	}
	switch {
	case l.Cluster != "" && l.Workgroup != "":
		return usagef("name the one that the database is in", "--cluster and --workgroup are both given")
	case len(ways) > 1:
		return usagef("choose one of them", "there are several ways to log in: %s", strings.Join(ways, ", "))
	case len(ways) == 0 && l.Cluster != "":
		return usagef("add --db-user USER for a login of the cluster, --iam for the identity that cachectl has in AWS, "+
			"--secret ARN, or --user and --password-env", "--cluster alone does not say how to log in")
	case len(ways) == 0:
		return usagef("give --password-env VAR with --user; or let AWS issue the password by --cluster with --db-user or "+
			"--iam, by --workgroup, or by --secret", "nothing says how to log in")
	case (o.dbUser != "" || o.iam) && l.Cluster == "":
		return usagef("name the cluster with --cluster", "%s is for the login of a cluster, and none is named", ways[0])
	case o.user != "" && l.Credentials != catalog.PasswordCredentials:
		return usagef(o.otherUser(l), "--user is for a password that you give, and this one comes by %s", ways[0])
	}
	l.User = cmp.Or(o.user, o.dbUser)
	return nil
}

func (o linkLogin) otherUser(l *catalog.Link) string {
	switch l.Credentials {
	case catalog.ClusterCredentials:
		return "leave --user out; --db-user names the login"
	case catalog.SecretCredentials:
		return "leave --user out; the secret names the login"
	}
	return "leave --user out; AWS names the login after your identity"
}

// checkSource refuses flags about AWS that contradict each other, or that nothing would look at.
func checkSource(l catalog.Link) error {
	secretRegion, isARN := regionOf(l.Secret)
	switch {
	case l.Secret != "" && !isARN:
		return usagef("`aws secretsmanager describe-secret --secret-id NAME` shows it",
			"--secret wants the ARN of a secret, which begins with arn: and has the region and the account")
	case l.Region != "" && l.Secret != "" && l.Region != secretRegion:
		return usagef("leave --region out", "--region is %s, and the secret is in %s", l.Region, secretRegion)
	case l.Region != "" && l.Cluster+l.Workgroup+l.Secret == "":
		return usagef("leave --region out, or name the --cluster, --workgroup or --secret that is there",
			"--region says where to ask AWS, and AWS is not asked for anything")
	case l.Address == catalog.PrivateAddress && l.HostAddr != "":
		return usagef("leave --hostaddr out, or choose --address given",
			"--address private lets AWS tell the address, and --hostaddr gives one")
	case l.Address == catalog.PrivateAddress && l.Cluster+l.Workgroup == "":
		return usagef("add --cluster ID or --workgroup NAME, or give the address with --hostaddr",
			"a private address is looked up by cluster or workgroup, and none is named")
	case l.Zone != "" && l.Address != catalog.PrivateAddress:
		return usagef("add --address private, or leave --zone out",
			"--zone chooses among the private addresses that AWS tells, and the address is given")
	case l.Credentials != catalog.PasswordCredentials && slices.Contains([]string{"disable", "allow", "prefer"}, l.SSLMode):
		return usagef("choose require, verify-ca or verify-full",
			"sslmode %s may send a login of AWS over the network as it is", l.SSLMode)
	}
	return nil
}

// regionOf reads the region of a secret's ARN: arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME.
func regionOf(arn string) (region string, ok bool) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "secretsmanager" || parts[5] != "secret" {
		return "", false
	}
	return parts[3], parts[3] != "" && parts[6] != ""
}

// passwordIn reads the password from the variable that a flag names.
func passwordIn(lookup func(string) (string, bool), variable, command string) (string, error) {
	password, _ := lookup(variable)
	if password == "" {
		return "", usagef(passwordHint+command+" --password-env DW_PASSWORD",
			"the environment variable that --password-env names is not set")
	}
	return password, nil
}

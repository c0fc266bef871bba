using System.CommandLine;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>Whose key is whose: <c>verify</c>, <c>accept-key</c>, <c>contacts</c>.</summary>
static class TrustCommands
{
    public static IEnumerable<Command> All(Frame frame) => [Verify(frame), AcceptKey(frame), Contacts(frame)];

    static Command Verify(Frame frame)
    {
        var login = new Argument<string>(Frame.LoginArgument) { Description = frame.Help.AnyLogin };
        var fingerprint = new Option<string>("--fingerprint")
        {
            Description = frame.SealHelp.Fingerprint,
            HelpName = "FINGERPRINT",
        };
        var number = new Option<string>("--number")
        {
            Description = frame.SealHelp.SafetyNumber,
            HelpName = "NUMBER",
        };
        return frame.Command("verify", frame.SealHelp.Verify, [login, number, fingerprint], async visit =>
        {
            var seal = visit.Language.Seal;
            var name = visit.Input.Login(visit.Get(login)!);
            await using var client = await visit.ConnectSignedInAsync();
            var contact = await client.Trust.FindAsync(name, visit.Cancellation);
            if (contact.Change is not null)
            {
                Show(visit, contact);
                throw AlarmWording.Of(contact, visit.Language);
            }
            var (seen, meant) = (visit.Get(number), visit.Get(fingerprint));
            if (seen is not null && !IsSame(seen, contact.SafetyNumber)
                || meant is not null && !string.Equals(meant, contact.Fingerprint, StringComparison.Ordinal))
                throw new ClientException(ExitCode.Alarm, seal.NumbersDiffer(name), seal.NumbersDifferHint);
            var isSame = seen is not null || meant is not null;
            if (contact.IsVerified || isSame || !Terminal.CanAsk)
            {
                if (isSame && !contact.IsVerified)
                    contact = await MarkAsync(client, contact, visit.Cancellation);
                Show(visit, contact);
                if (!contact.IsVerified)
                {
                    visit.Note(seal.Compare(name));
                    visit.Note(seal.SayItIsTheSame);
                }
                return;
            }
            Show(visit, contact);
            Terminal.Note(seal.Compare(name));
            var agrees = await visit.Terminal.AskYesAsync(seal.AskSame(name), visit.Cancellation);
            if (agrees)
                await MarkAsync(client, contact, visit.Cancellation);
            visit.Note(agrees ? seal.MarkedVerified(name) : seal.NotMarked(name));
        });
    }

    static Command AcceptKey(Frame frame)
    {
        var login = new Argument<string>(Frame.LoginArgument) { Description = frame.Help.AnyLogin };
        var fingerprint = new Option<string>("--fingerprint")
        {
            Description = frame.SealHelp.NewFingerprint,
            HelpName = "FINGERPRINT",
        };
        return frame.Command("accept-key", frame.SealHelp.AcceptKey, [login, fingerprint], async visit =>
        {
            var seal = visit.Language.Seal;
            var name = visit.Input.Login(visit.Get(login)!);
            await using var client = await visit.ConnectSignedInAsync();
            var contact = await client.Trust.FindAsync(name, visit.Cancellation);
            if (contact.Change is not { } change)
            {
                visit.Show(() => SealJson.Of(contact), () => [seal.NoNewKey(name)]);
                return;
            }
            if (visit.Get(fingerprint) is { } given)
            {
                if (!string.Equals(given, change.Fingerprint, StringComparison.Ordinal))
                    throw new ClientException(ExitCode.Alarm, seal.OtherFingerprint(name), seal.NumbersDifferHint);
            }
            else
            {
                if (!Terminal.CanAsk)
                {
                    throw new ClientException(
                        ExitCode.Usage, seal.ConfirmationNeeded, seal.ConfirmationNeededHint("--fingerprint"));
                }
                Show(visit, contact);
                Terminal.Note(seal.Compare(name));
                if (!await visit.Terminal.AskYesAsync(seal.AskAccept(name), visit.Cancellation))
                    throw new OperationCanceledException();
            }
            await client.Trust.AcceptNewKeyAsync(name, change.Fingerprint, visit.Cancellation);
            var accepted = await client.Trust.FindAsync(name, visit.Cancellation);
            visit.Show(() => SealJson.Of(accepted), () => [seal.AcceptedKey(name)]);
        });
    }

    static Command Contacts(Frame frame) => frame.Command("contacts", frame.SealHelp.Contacts, [], async visit =>
    {
        await using var client = await visit.ConnectSignedInAsync();
        var contacts = await client.Trust.ContactsAsync(visit.Cancellation);
        visit.ShowAll(
            contacts, SealJson.Of, all => SealReport.Contacts(all, visit.Language), visit.Language.Seal.NoContacts);
    });

    // As it was read out or copied: in whatever lines, with whatever gaps.
    static bool IsSame(string seen, string number) => Digits(seen).SequenceEqual(Digits(number));

    static IEnumerable<char> Digits(string number) => number.Where(sign => !char.IsWhiteSpace(sign));

    static async Task<Contact> MarkAsync(ConclaveClient client, Contact contact, CancellationToken cancellation)
    {
        await client.Trust.MarkVerifiedAsync(contact.Login, contact.Fingerprint, cancellation);
        return contact with { IsVerified = true };
    }

    static void Show(Visit visit, Contact contact) =>
        visit.Show(() => SealJson.Of(contact), () => SealReport.Contact(contact, visit.Language));
}

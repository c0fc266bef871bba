using System.Text;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Protocol;

namespace Conclave.Tests.Client;

public sealed class InputTests
{
    static readonly Input Input = new(English.Language);

    [Theory]
    [InlineData("http://127.0.0.1:7720")]
    [InlineData("https://conclave.example/")]
    [InlineData(" wss://conclave.example/ws ")]
    public void Address_of_a_server_is_taken(string typed) => Assert.True(Input.Server(typed).IsAbsoluteUri);

    [Theory]
    [InlineData("")]
    [InlineData("localhost:7720")]
    [InlineData("ftp://conclave.example")]
    [InlineData("http://alice:hunter22@conclave.example")]
    public void What_is_no_address_of_a_server_is_refused_without_a_secret_in_the_message(string typed)
    {
        var refused = Assert.Throws<ClientException>(() => Input.Server(typed));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.DoesNotContain("hunter22", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("read,write", Rights.Read | Rights.Write)]
    [InlineData("invite", Rights.Read | Rights.Invite)]
    [InlineData(" Admin, write ", Rights.Read | Rights.Write | Rights.Admin)]
    [InlineData("", Rights.Read)]
    public void Rights_are_taken_in_any_order(string typed, Rights rights) => Assert.Equal(rights, Input.Rights(typed));

    [Fact]
    public void Unknown_right_is_named()
    {
        var refused = Assert.Throws<ClientException>(() => Input.Rights("read,own"));
        Assert.Contains("“own”", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_looks_like_an_id_is_an_id_and_anything_else_a_name()
    {
        var id = Guid.CreateVersion7();
        Assert.Equal(id, Input.Lobby(id.ToString()).Id);
        Assert.Equal("first_lobby", Input.Lobby("first_lobby").Name);
        // Two spellings of one name are one name.
        Assert.Equal("caf\u00e9", Input.Lobby("cafe\u0301").Name);
        Assert.Throws<ClientException>(() => Input.Lobby(" x"));
    }

    [Theory]
    [InlineData("secret", "secret")]
    [InlineData("secret\n", "secret")]
    [InlineData("secret\r\n", "secret")]
    [InlineData("secret\n\n", "secret\n")]
    [InlineData("\ufeffsecret\n", "secret")]
    [InlineData("\n", "")]
    public void Piped_text_loses_the_line_break_of_echo_and_nothing_else(string piped, string text) =>
        Assert.Equal(text, Input.Piped(Encoding.UTF8.GetBytes(piped)));

    [Fact]
    public void Piped_bytes_that_are_no_text_are_refused() =>
        Assert.Throws<ClientException>(() => Input.Piped([0x41, 0xff]));

    [Theory]
    [InlineData("{\"a\": 1.0}", true)]
    [InlineData(" [1,2] ", true)]
    [InlineData("hello", false)]
    [InlineData("1 2", false)]
    [InlineData("", false)]
    public void Json_value_is_checked_here(string typed, bool valid)
    {
        if (valid)
            Assert.Equal(typed.Trim(), Input.JsonValue(typed).Json.ToJson());
        else
            Assert.Throws<ClientException>(() => Input.JsonValue(typed));
    }

    [Fact]
    public void Password_of_a_new_user_is_measured_in_bytes()
    {
        Assert.Throws<ClientException>(() => Input.NewPassword("1234567"));
        Assert.Equal("парол", Input.NewPassword("парол"));
        Assert.Throws<ClientException>(() => Input.NewPassword(new string('x', 1025)));
    }
}

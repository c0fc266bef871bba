namespace Conclave.Server;

/// <summary>What the operator reads when the server is there: the address, the data, what comes next.</summary>
static class Greeting
{
    public static void Print(TextWriter output, ServerHost host, Settings settings)
    {
        var database = host.Cluster is null ? "the database that CONCLAVE_DATABASE names" : settings.DataPath;
        var urls = string.Join(", ", host.Urls.Select(url => url.ToString().TrimEnd('/')));
        output.WriteLine($"Conclave listens on {urls}");
        output.WriteLine($"  data        {database}");
        output.WriteLine($"  master key  {settings.MasterKeyPath} (keep a copy apart from the backup of the data)");
        output.WriteLine("  next        make client, in another terminal, opens the menu; Ctrl-C stops the server");
        output.Flush();
    }
}

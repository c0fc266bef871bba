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
        if (settings.MetricsUrls.Count > 0)
            output.WriteLine($"  metrics     {string.Join(", ", host.MetricsUrls)}");
        var client = ClientCommand(host.Urls[0]);
        output.WriteLine($"  next        {client}, in another terminal, opens the menu; Ctrl-C stops the server");
        output.Flush();
    }

    // The client looks for a server at the default address unless it is told another.
    static string ClientCommand(Uri url)
    {
        var address = HealthCheck.OnThisMachine(url).ToString().TrimEnd('/');
        return address == Settings.DefaultUrl ? "make client" : $"CONCLAVE_SERVER={address} make client";
    }
}

namespace Watari.GuestAgent.Processes;

/// <summary>The guest's programs, as a shell of root's finds them; never the agent itself, which stands in for some of them.</summary>
internal static class Programs
{
    /// <summary>Null: there is none.</summary>
    public static string? Find(string name) =>
        EnvironmentList.SearchPath.Split(':').Select(directory => $"{directory}/{name}").FirstOrDefault(path => File.Exists(path) && new FileInfo(path).LinkTarget != Launcher.Self);
}

namespace Watari.Benchmarks.Guests;

/// <summary>The programs as <c>make build</c> leaves them, in artifacts/bin: what an operator runs.</summary>
internal static class Published
{
    /// <exception cref="InvalidOperationException">They are not there.</exception>
    public static string Folder { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? top = new(AppContext.BaseDirectory);
        while (top is not null && !File.Exists(Path.Combine(top.FullName, "Orchestrator.sln"))) top = top.Parent;
        string folder = Path.Combine(top?.FullName ?? "", "artifacts", "bin");
        return File.Exists(Path.Combine(folder, "watari-silo"))
            ? folder
            : throw new InvalidOperationException($"There is no watari-silo in {folder}: run 'make build' first.");
    }
}

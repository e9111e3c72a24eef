using System.Runtime.CompilerServices;

namespace Watari.Client.Tests;

/// <summary>
/// What is printed is a contract with scripts and with eyes: it is compared to a file. <c>WATARI_GOLDEN=write</c> writes the files
/// anew, for a change that is meant.
/// </summary>
internal static class Golden
{
    public static void Assert(string name, string text, [CallerFilePath] string here = "")
    {
        string file = Path.Combine(Path.GetDirectoryName(here)!, "Golden", name);
        if (Environment.GetEnvironmentVariable("WATARI_GOLDEN") == "write")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        Xunit.Assert.True(File.Exists(file), $"There is no {file}.");
        Xunit.Assert.Equal(File.ReadAllText(file), text, ignoreLineEndingDifferences: true);
    }
}

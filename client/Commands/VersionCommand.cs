using System.CommandLine;
using System.Reflection;

namespace Watari.Client.Commands;

/// <summary><c>watari version</c>.</summary>
internal static class VersionCommand
{
    public static Command Build(Terminal terminal)
    {
        Command command = new("version", "Print the version");
        command.SetAction(_ =>
        {
            string version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            terminal.Out.WriteLine($"watari {version.Split('+')[0]}");
            return ExitCodes.Done;
        });
        return command;
    }
}

namespace Watari.Client;

/// <summary>The command ends here, with a sentence for the person and a code for the shell.</summary>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}

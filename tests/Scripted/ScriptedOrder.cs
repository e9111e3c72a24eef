using Watari.GrainInterfaces.Model;

namespace Watari.Scripted;

/// <summary>
/// What a test wants of one command to one container, whichever engine is given it and however often, until the order is disposed of:
/// a file beside the world, for the engines are processes of their own.
/// </summary>
public sealed class ScriptedOrder : IDisposable
{
    private const string Holding = "hold";
    private const string Failing = "fail";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly string _file;

    private ScriptedOrder(string file)
    {
        _file = file;
        File.Create(file).Dispose();
    }

    /// <summary>The command waits, before it takes effect.</summary>
    public static ScriptedOrder Hold(ScriptedWorld world, string command, string container) => new(FileOf(world, command, container, Holding));

    /// <summary>The command fails, before it takes effect.</summary>
    public static ScriptedOrder Fail(ScriptedWorld world, string command, string container) => new(FileOf(world, command, container, Failing));

    /// <summary>Ends when a command waits that is held.</summary>
    public async Task UntilReachedAsync(CancellationToken cancellationToken)
    {
        while (!File.Exists(Reached(_file))) await Task.Delay(s_look, cancellationToken);
    }

    public void Dispose()
    {
        File.Delete(_file);
        File.Delete(Reached(_file));
    }

    /// <summary>For <see cref="ScriptedEngine.Before"/>.</summary>
    /// <exception cref="EngineException">The test wants the command to fail.</exception>
    public static async Task ObeyAsync(ScriptedWorld world, string command, string container, CancellationToken cancellationToken)
    {
        if (File.Exists(FileOf(world, command, container, Failing))) throw new EngineException(FailureKind.Internal, $"The test lets '{command}' fail.");
        string hold = FileOf(world, command, container, Holding);
        if (!File.Exists(hold)) return;
        await File.WriteAllTextAsync(Reached(hold), "", cancellationToken);
        while (File.Exists(hold)) await Task.Delay(s_look, cancellationToken);
    }

    private static string FileOf(ScriptedWorld world, string command, string container, string what) => $"{world.Path}.{container}.{command}.{what}";

    private static string Reached(string file) => $"{file}.reached";
}

using Watari.GuestAgent.Channel;
using Watari.GuestAgent.Criu;
using Watari.GuestAgent.Execs;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.StandIn;

namespace Watari.GuestAgent;

/// <summary>
/// Four in one binary, by how it is invoked: the agent; the relay, as <c>criu</c>; the stand-in, as <c>runc</c>; the launcher.
/// One static file is all that a guest needs.
/// </summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        try
        {
            if (Relay.IsMeant(arguments))
                return Relay.Run(arguments);
            if (RuncStandIn.IsMeant(Environment.GetCommandLineArgs()[0]))
                return RuncStandIn.Run(arguments, AgentPaths.Default);
            if (arguments is [Launcher.Verb, ..])
                return Launcher.Run(arguments[1..]);
            return Serve();
        }
        catch (Exception failed)
        {
            AgentLog.Open(AgentPaths.Default.Log);
            AgentLog.Fatal($"{(arguments.Length > 0 ? arguments[0] : "agent")}: {failed}");
            return 1;
        }
    }

    private static int Serve()
    {
        AgentPaths paths = AgentPaths.Default;
        Directory.CreateDirectory(paths.Root);
        AgentLog.Open(paths.Log);
        AgentHome.MakeReady(paths);
        ExecSessions.EndLeftovers(paths);
        GuestFacts facts = new();
        using Port port = new(KernelFile.Open(PortFinder.Find(), Libc.O_RDWR | Libc.O_NONBLOCK));
        using AgentServer server = new(port, paths, facts);
        AgentLog.Write($"started, pid {Environment.ProcessId}");
        server.Run();
        return 0;
    }
}

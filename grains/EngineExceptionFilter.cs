using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains;

/// <summary>
/// What leaves a grain of ours is an <see cref="EngineException"/>, or Orleans's own: a caller may not have the assembly of any other
/// exception, and would not know what to do with it. What lies behind an <see cref="EngineException"/> stays in this silo's log:
/// another silo has no serializer for it.
/// </summary>
internal sealed partial class EngineExceptionFilter(ILogger<EngineExceptionFilter> logger) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        try
        {
            await context.Invoke();
        }
        catch (EngineException e) when (e.InnerException is not null)
        {
            Behind(e.InnerException, context.InterfaceName, context.MethodName, e.Message);
            throw new EngineException(e.Kind, e.Message);
        }
        catch (Exception e) when (IsForeign(e) && context.Grain.GetType().Assembly == typeof(EngineExceptionFilter).Assembly)
        {
            Defect(e, context.InterfaceName, context.MethodName);
            throw new EngineException(FailureKind.Internal, $"{context.MethodName} failed in a way that is not foreseen: {e.GetType().Name}: {e.Message}");
        }
    }

    private static bool IsForeign(Exception e) => e is not (EngineException or OrleansException or OperationCanceledException or TimeoutException);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Interface}.{Method}: {Reason}")]
    private partial void Behind(Exception e, string? @interface, string? method, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Interface}.{Method} failed in a way that is not foreseen")]
    private partial void Defect(Exception e, string? @interface, string? method);
}

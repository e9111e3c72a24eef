namespace Watari.Grains.Jobs;

/// <summary>Writes of a grain's state. One that failed may have landed: the state is read again before anything else is decided on it.</summary>
internal static class StateWrites
{
    public static Task PutAsync<T>(this IGrainBase grain, IPersistentState<T> stored, T state)
    {
        stored.State = state;
        return TryAsync(grain, stored.WriteStateAsync);
    }

    public static async Task RemoveAsync<T>(this IGrainBase grain, IPersistentState<T> stored) where T : new()
    {
        await TryAsync(grain, stored.ClearStateAsync);
        stored.State = new T();
    }

    private static async Task TryAsync(IGrainBase grain, Func<Task> write)
    {
        try
        {
            await write();
        }
        catch
        {
            grain.DeactivateOnIdle();
            throw;
        }
    }
}

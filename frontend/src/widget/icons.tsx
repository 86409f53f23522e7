type Props = { size?: number }

const icon = (path: string) => (_: Props) => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d={path} />
  </svg>
)

// The icons of shared components, under the names of the library that the other pages take them from.
export const Check = icon('M5 12.5l4.5 4.5L19 7.5')
export const Copy = icon('M9 9h11v11H9zM15 9V4H4v11h5')

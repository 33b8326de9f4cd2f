export * from 'element-plus'
